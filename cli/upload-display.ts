import { formatBytes } from './quantities.ts'

export interface UploadDisplay {
  show(sentBytes: number, totalBytes: number | null): void
  end(): void
}

/** An upload that is over in a moment needs no line. */
const quietMs = 700
const redrawMs = 200
const clearLine = '\r\u001b[2K'

/** The progress of a slow upload, on a terminal only. */
export function createUploadDisplay(output: Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>): UploadDisplay {
  if (!output.isTTY) return { show() {}, end() {} }
  const startedAtMs = performance.now()
  let drawnAtMs = startedAtMs + quietMs - redrawMs
  let isDrawn = false
  let latest = ''
  // After the last byte nothing is reported any more, and the server still checks.
  const timer = setInterval(draw, redrawMs)
  timer.unref()
  function draw(): void {
    const nowMs = performance.now()
    if (latest === '' || nowMs - drawnAtMs < redrawMs) return
    drawnAtMs = nowMs
    isDrawn = true
    output.write(`${clearLine}${[...latest].slice(0, Math.max(10, (output.columns ?? 80) - 1)).join('')}`)
  }
  return {
    show(sentBytes, totalBytes) {
      latest = renderUpload(sentBytes, totalBytes)
      draw()
    },
    end() {
      clearInterval(timer)
      if (isDrawn) output.write(clearLine)
    },
  }
}

export function renderUpload(sentBytes: number, totalBytes: number | null): string {
  if (totalBytes === null) return `uploading: ${formatBytes(sentBytes)}`
  if (sentBytes >= totalBytes) return `uploaded ${formatBytes(totalBytes)}, the last items are being checked`
  return `uploading: ${formatBytes(sentBytes)} of ${formatBytes(totalBytes)} (${Math.floor((100 * sentBytes) / totalBytes)}%)`
}
