import { describeError } from '../core/errors.ts'

/** `detail` is one line; a `starting` step may be reported several times, with news. */
export type StackStep = { name: string; state: 'starting' | 'ready' | 'failed'; detail: string; elapsedMs: number }

export type StartSteps = {
  /** Aborted with the first failure, or with the reason given to `abort`. */
  readonly signal: AbortSignal
  readonly abort: (reason: unknown) => void
  /** Runs one step and reports it. `describe` gives the detail of the `ready` line. */
  readonly run: <T>(
    name: string,
    work: (news: (line: string) => void) => Promise<T>,
    describe: (result: T) => string,
  ) => Promise<T>
  /** Waits until steps that run side by side have all ended. Throws the first failure. */
  readonly settle: (steps: readonly Promise<unknown>[]) => Promise<void>
}

/** The steps of a start: the first one that fails ends the others, and only it is reported as failed. */
export function createStartSteps(onStep: (step: StackStep) => void): StartSteps {
  const abort = new AbortController()
  return {
    signal: abort.signal,
    abort: (reason) => abort.abort(reason),
    async run(name, work, describe) {
      const startedAt = performance.now()
      let ended = false
      const report = (state: StackStep['state'], detail: string): void =>
        onStep({ name, state, detail, elapsedMs: performance.now() - startedAt })
      try {
        abort.signal.throwIfAborted()
        report('starting', '')
        const result = await work((line) => {
          // A process that is started again later still has this; by then there is no step to tell of.
          if (!ended) report('starting', line)
        })
        ended = true
        report('ready', describe(result))
        return result
      } catch (error) {
        ended = true
        if (!abort.signal.aborted) {
          report('failed', describeError(error))
          abort.abort(error)
        }
        throw error
      }
    },
    async settle(steps) {
      await Promise.allSettled(steps)
      abort.signal.throwIfAborted()
    },
  }
}
