import { styleText } from 'node:util'

import { formatDuration } from '../core/durations.ts'
import type { StackStep } from './start-steps.ts'

const redrawIntervalMs = 500

export type StepPrinter = {
  readonly report: (step: StackStep) => void
  /** Prints a line of its own. */
  readonly line: (text: string) => void
  /** Ends the live line. */
  readonly end: () => void
}

/**
 * Shows the steps of a start: a line for each that is ready, with a tick and its time, and on a terminal a live line below with those
 * that are under way. Without a terminal plain lines only.
 */
export function createStepPrinter(output: NodeJS.WriteStream): StepPrinter {
  const live = output.isTTY
  const underWay = new Map<string, number>()

  const erase = (): void => {
    if (live) output.write('\r\u001B[K')
  }
  const draw = (): void => {
    if (!live || underWay.size === 0) return
    const longestMs = performance.now() - Math.min(...underWay.values())
    const text = `… ${[...underWay.keys()].join(', ')} (${formatDuration(Math.floor(longestMs / 1000) * 1000)})`
    output.write(text.slice(0, Math.max(20, (output.columns ?? 80) - 1)))
  }
  const line = (text: string): void => {
    erase()
    output.write(`${text}\n`)
    draw()
  }
  const timer = setInterval(() => {
    erase()
    draw()
  }, redrawIntervalMs)
  timer.unref()

  const mark = (format: 'green' | 'red', sign: string, plain: string): string =>
    live ? styleText(format, sign, { stream: output }) : plain

  return {
    line,
    report({ name, state, detail, elapsedMs }) {
      switch (state) {
        case 'starting':
          if (!underWay.has(name)) underWay.set(name, performance.now() - elapsedMs)
          if (detail !== '') line(`  ${name}: ${detail}`)
          return
        case 'ready':
          underWay.delete(name)
          line(`${mark('green', '✓', 'ready:')} ${name.padEnd(15)} ${formatDuration(elapsedMs).padStart(6)}  ${detail}`)
          return
        case 'failed':
          underWay.delete(name)
          line(`${mark('red', '✗', 'failed:')} ${name.padEnd(15)} ${formatDuration(elapsedMs).padStart(6)}  ${detail}`)
          return
        default:
          state satisfies never
      }
    },
    end() {
      clearInterval(timer)
      erase()
      underWay.clear()
    },
  }
}
