import { plainLineKey, renderLiveLine, renderPlainLine, type ShownJob } from './live-line.ts'

export interface ProgressDisplay {
  show(job: ShownJob): void
  /** A line of its own, above the live one. */
  note(line: string): void
  /** Clears the live line and gives the cursor back. Again is fine. */
  end(): void
}

type Output = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>

/** A live line on a terminal, else plain lines: only on change, and only one every `plainIntervalMs`. */
export function createProgressDisplay(
  output: Output,
  options: { plainIntervalMs?: number; now?: () => number } = {},
): ProgressDisplay {
  const { plainIntervalMs = 5000, now = Date.now } = options
  return output.isTTY ? terminalDisplay(output, now) : plainDisplay(output, plainIntervalMs, now)
}

const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
const clearLine = '\r\u001b[2K'
const terminations = ['SIGTERM', 'SIGHUP'] as const
const redrawMs = 1000
const shortestRedrawMs = 100

function terminalDisplay(output: Output, now: () => number): ProgressDisplay {
  let job: ShownJob | undefined
  let drawnAtMs = 0
  let timer: NodeJS.Timeout | undefined
  const draw = (): void => {
    if (job === undefined) return
    drawnAtMs = now()
    // One column is left free: a line that fills the last one makes some terminals wrap.
    output.write(clearLine + renderLiveLine(job, { width: Math.max(10, (output.columns ?? 80) - 1), nowMs: drawnAtMs }))
  }
  // However the process ends: a shell without a cursor is a nuisance.
  const giveBack = (): void => void output.write(clearLine + showCursor)
  const onTermination = (signal: NodeJS.Signals): void => {
    giveBack()
    // Our handler is off by now (`once`), so this ends the process as the signal means it to.
    process.kill(process.pid, signal)
  }
  return {
    show(next) {
      if (timer === undefined) {
        output.write(hideCursor)
        process.once('exit', giveBack)
        for (const signal of terminations) process.once(signal, onTermination)
        // Elapsed time and countdown go on between two states.
        timer = setInterval(draw, redrawMs)
        timer.unref()
      }
      const isNew = job === undefined || job.status !== next.status
      job = next
      if (isNew || now() - drawnAtMs >= shortestRedrawMs) draw()
    },
    note(line) {
      output.write(`${timer === undefined ? '' : clearLine}${line}\n`)
      draw()
    },
    end() {
      if (timer === undefined) return
      clearInterval(timer)
      timer = undefined
      job = undefined
      process.off('exit', giveBack)
      for (const signal of terminations) process.off(signal, onTermination)
      giveBack()
    },
  }
}

function plainDisplay(output: Output, intervalMs: number, now: () => number): ProgressDisplay {
  let shownKey = ''
  let shownStatus = ''
  let shownAtMs = Number.NEGATIVE_INFINITY
  return {
    show(job) {
      const key = plainLineKey(job)
      // A change of status is said at once, progress in its turn.
      if (key === shownKey || (job.status === shownStatus && now() - shownAtMs < intervalMs)) return
      shownKey = key
      shownStatus = job.status
      shownAtMs = now()
      output.write(`${renderPlainLine(job, shownAtMs)}\n`)
    },
    note(line) {
      output.write(`${line}\n`)
    },
    end() {},
  }
}
