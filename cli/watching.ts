import type { Batchwright, Job } from '../client/batchwright.ts'
import { BatchwrightError } from '../core/errors.ts'
import type { ErrorClass } from '../core/error-classes.ts'
import { printJson, printLine, type Cli } from './cli.ts'
import { exitCodeOfJob, exitCodes, type ExitCode } from './exit-codes.ts'
import { detachable } from './interruption.ts'
import { renderSummary, type FailureClasses } from './job-summary.ts'
import { pauseAdvice } from './pause-advice.ts'
import { createProgressDisplay, type ProgressDisplay } from './progress-display.ts'

export interface WatchingOptions {
  readonly timeoutMs?: number | undefined
  readonly json?: boolean | undefined
  /** No progress, only the end. */
  readonly quiet?: boolean | undefined
}

/**
 * Shows a job until it is settled, then its summary; the exit code says how it ended. Ctrl-C detaches: the job goes on, and the line that
 * watches it again is printed. On stdout there is nothing but, with `--json`, the job.
 */
export async function watchJob(cli: Cli, client: Batchwright, jobId: string, options: WatchingOptions = {}): Promise<ExitCode> {
  const display: ProgressDisplay = options.quiet === true ? silent(cli) : createProgressDisplay(cli.stderr)
  let isConnected = true
  let isPausedByHand = false
  let isDraft = false
  const waiting = await detachable(async (signal) => {
    try {
      return await client.jobs.wait(jobId, {
        timeoutMs: options.timeoutMs,
        signal,
        onProgress(job) {
          isConnected = true
          display.show(job)
          if (job.draft !== null && !isDraft)
            display.note(`Job ${job.id} is a draft: it runs when you say batchwright start ${job.id}`)
          isDraft = job.draft !== null
          const wasPausedByHand = isPausedByHand
          isPausedByHand = job.status === 'paused' && (job.pause?.reason ?? 'user') === 'user'
          if (isPausedByHand && !wasPausedByHand) display.note(`Job ${job.id} is ${pauseAdvice('user', job)} (waiting for it)`)
        },
        onConnectionLost(error) {
          if (isConnected) display.note(`${error.message} (trying again; the job does not depend on it)`)
          isConnected = false
        },
      })
    } catch (error) {
      if (!(error instanceof BatchwrightError) || error.code !== 'wait_timeout') throw error
      display.end()
      printLine(cli.stderr, `${error.message}; watch it again with: batchwright watch ${jobId}`)
      if (options.json === true && error.details.job !== undefined) printJson(cli, error.details.job)
      return exitCodes.timedOut
    } finally {
      display.end()
    }
  })
  if (waiting === 'detached') {
    printLine(
      cli.stderr,
      `Detached; ${isPausedByHand ? 'the job stays paused' : 'the job goes on'}. Watch it again with: batchwright watch ${jobId}`,
    )
    return exitCodes.detached
  }
  if (typeof waiting === 'number') return waiting
  printLine(cli.stderr, renderSummary(waiting, await failureClasses(client, waiting)))
  if (options.json === true) printJson(cli, waiting)
  return exitCodeOfJob(waiting)
}

const longestCount = 20_000

/** How many of the items that failed or expired are of which class; of a job where very many failed, of the first ones. */
export async function failureClasses(client: Batchwright, job: Job): Promise<FailureClasses> {
  const classes = new Map<ErrorClass, number>()
  if (job.counts.failed + job.counts.expired === 0) return classes
  let count = 0
  for await (const item of client.jobs.items(job.id, { status: ['failed', 'expired'], limit: 1000 })) {
    const errorClass = item.error_class ?? 'unknown'
    classes.set(errorClass, (classes.get(errorClass) ?? 0) + 1)
    if (++count >= longestCount) break
  }
  return classes
}

function silent(cli: Cli): ProgressDisplay {
  return { show() {}, note: (line) => printLine(cli.stderr, line), end() {} }
}
