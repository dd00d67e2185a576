import { plainLineKey, renderLiveLine, renderPlainLine, type ShownJob } from './live-line.ts'

export interface ProgressDisplay {
  /** Where several jobs are shown, each has a label, which stands before its line. */
  show(job: ShownJob, label?: string): void
  /** A line of its own, above the live ones. */
  note(line: string): void
  /** Clears the live lines and gives the cursor back. Again is fine. */
  end(): void
}

type Output = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>

/** A live line for each job on a terminal, else plain lines: of a job only on change, and only one every `plainIntervalMs`. */
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
const lineUp = '\u001b[1A'
const terminations = ['SIGTERM', 'SIGHUP'] as const
const redrawMs = 1000
const shortestRedrawMs = 100

function terminalDisplay(output: Output, now: () => number): ProgressDisplay {
  const jobs = new Map<string, ShownJob>()
  let drawnLines = 0
  let drawnAtMs = 0
  let timer: NodeJS.Timeout | undefined
  // From the last line up: the cursor then stands where the first one began.
  const clear = (): string => (clearLine + lineUp).repeat(Math.max(0, drawnLines - 1)) + clearLine
  const draw = (): void => {
    if (jobs.size === 0) return
    drawnAtMs = now()
    const labelWidth = Math.max(...[...jobs.keys()].map((label) => label.length))
    const lines = [...jobs].map(([label, job]) => {
      const start = labelled(label, labelWidth)
      // One column is left free: a line that fills the last one makes some terminals wrap.
      const width = Math.max(10, (output.columns ?? 80) - 1 - start.length)
      return start + renderLiveLine(job, { width, nowMs: drawnAtMs })
    })
    output.write(clear() + lines.join('\n'))
    drawnLines = lines.length
  }
  // However the process ends: a shell without a cursor is a nuisance.
  const giveBack = (): void => {
    output.write(clear() + showCursor)
    drawnLines = 0
  }
  const onTermination = (signal: NodeJS.Signals): void => {
    giveBack()
    // Our handler is off by now (`once`), so this ends the process as the signal means it to.
    process.kill(process.pid, signal)
  }
  return {
    show(next, label = '') {
      if (timer === undefined) {
        output.write(hideCursor)
        process.once('exit', giveBack)
        for (const signal of terminations) process.once(signal, onTermination)
        // Elapsed time and countdown go on between two states.
        timer = setInterval(draw, redrawMs)
        timer.unref()
      }
      const isNew = jobs.get(label)?.status !== next.status
      jobs.set(label, next)
      if (isNew || now() - drawnAtMs >= shortestRedrawMs) draw()
    },
    note(line) {
      output.write(`${timer === undefined ? '' : clear()}${line}\n`)
      drawnLines = 0
      draw()
    },
    end() {
      if (timer === undefined) return
      clearInterval(timer)
      timer = undefined
      jobs.clear()
      process.off('exit', giveBack)
      for (const signal of terminations) process.off(signal, onTermination)
      giveBack()
    },
  }
}

function plainDisplay(output: Output, intervalMs: number, now: () => number): ProgressDisplay {
  const shown = new Map<string, { key: string; status: string; atMs: number }>()
  return {
    show(job, label = '') {
      const key = plainLineKey(job)
      const last = shown.get(label)
      // A change of status is said at once, progress in its turn.
      if (key === last?.key || (job.status === last?.status && now() - last.atMs < intervalMs)) return
      const atMs = now()
      shown.set(label, { key, status: job.status, atMs })
      output.write(`${labelled(label)}${renderPlainLine(job, atMs)}\n`)
    },
    note(line) {
      output.write(`${line}\n`)
    },
    end() {},
  }
}

function labelled(label: string, width = label.length): string {
  return label === '' ? '' : `${label.padEnd(width)}  `
}
