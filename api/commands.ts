import { BatchwrightError } from '../core/errors.ts'
import type { ErrorClass } from '../core/error-classes.ts'
import { isTerminalJobStatus } from '../core/statuses.ts'
import { countRetryable, findJob, type SummarizedJob } from '../db/jobs.ts'
import type { Database } from '../db/database.ts'
import type { JobRow } from '../db/job-state.ts'
import { jobCommands, jobParams, jobSchema, retryBody, type JobCommand } from './contracts/jobs.ts'
import type { Dependencies } from './dependencies.ts'
import { toJobJson } from './job-json.ts'
import { readJsonBody } from './json-body.ts'
import { addRoute, check, jsonAnswer, type ApiContext, type Router } from './router.ts'

const descriptions: Record<JobCommand, { summary: string; description: string }> = {
  cancel: {
    summary: 'Cancel a job',
    description: 'What runs at the provider is cancelled there; answers that are finished are kept.',
  },
  pause: { summary: 'Pause a job', description: 'Nothing new is sent. What runs is paid for, and is polled and fetched.' },
  resume: { summary: 'Resume a paused job', description: 'Also after a person has mended what paused it.' },
  poll: { summary: 'Poll all open batches now', description: 'The next poll then comes at its usual time.' },
  retry: {
    summary: 'Send what did not succeed again',
    description: 'On a job that is over, starts it again; what succeeded stays as it is.',
  },
}

/** `POST /v1/jobs/{id}/<command>`: checked against the job's state here, done by its workflow. */
export function addCommandRoutes(router: Router, dependencies: Dependencies): void {
  const { database, temporal, config } = dependencies
  for (const command of jobCommands) {
    addRoute(
      router,
      {
        method: 'post',
        path: `/v1/jobs/{id}/${command}`,
        ...descriptions[command],
        tag: 'commands',
        params: jobParams,
        ...(command === 'retry' ? { body: { 'application/json': { schema: retryBody } } } : {}),
        responses: { 202: jsonAnswer(jobSchema, 'It is asked for; this is the job before it takes effect.') },
      },
      async ({ context, params }) => {
        const classes = command === 'retry' ? await readClasses(context) : undefined
        const found = await findJob(database, params.id)
        await requireAllowed(database, command, found, classes)
        await temporal.signal(found.job, command, classes)
        return context.json(toJobJson(await findJob(database, params.id), config.temporal), 202)
      },
    )
  }
}

async function readClasses(context: ApiContext): Promise<readonly ErrorClass[] | undefined> {
  const body = await readJsonBody(context, 64 * 1024)
  return body === undefined ? undefined : check(retryBody, body, 'body').classes
}

/** Throws the 409 that says why the job can't take the command now. */
async function requireAllowed(
  database: Database,
  command: JobCommand,
  { job, batches }: SummarizedJob,
  classes: readonly ErrorClass[] | undefined,
): Promise<void> {
  if (job.status === 'validating') {
    throw job.draft === null
      ? refusal('upload_in_progress', job, 'is still being uploaded')
      : refusal('job_is_draft', job, 'is a draft, of which nothing was sent: start it, or delete it')
  }
  switch (command) {
    case 'cancel':
      if (job.status === 'cancelled') throw refusal('job_already_cancelled', job, 'is cancelled already')
      if (isBeingCancelled(job)) throw refusal('job_already_cancelling', job, 'is being cancelled already')
      if (job.status === 'finalizing') throw refusal('job_finalizing', job, 'has all its answers and is about to end')
      return requireOpen(job)
    case 'pause':
      requireOpen(job)
      if (isBeingCancelled(job)) throw refusal('job_already_cancelling', job, 'is being cancelled')
      if (job.status === 'paused') throw refusal('job_already_paused', job, `is paused already (${job.pauseReason})`)
      if (job.status === 'finalizing') throw refusal('job_finalizing', job, 'has all its answers and is about to end')
      return
    case 'resume':
      requireOpen(job)
      if (job.status !== 'paused') throw refusal('job_not_paused', job, `is not paused, but ${job.status}`)
      return
    case 'poll':
      requireOpen(job)
      // Open batches include those that are still being written or sent.
      if (batches.submitted === 0 && batches.nextPollAt === null)
        throw refusal('nothing_to_poll', job, 'has no batch at the provider')
      return
    case 'retry':
      if (job.status === 'cancelling')
        throw refusal('job_already_cancelling', job, 'is being cancelled: retry it when that is done')
      if ((await countRetryable(database, job, classes)) === 0) {
        throw refusal(
          'nothing_to_retry',
          job,
          classes === undefined ? 'has no item that did not succeed' : `has no item that ended with ${classes.join(' or ')}`,
        )
      }
  }
}

function requireOpen(job: JobRow): void {
  if (isTerminalJobStatus(job.status)) throw refusal('job_finished', job, `is over (${job.status})`)
}

/** A cancelled job whose cancellation waits for a person is paused. */
export function isBeingCancelled(job: JobRow): boolean {
  return job.status === 'cancelling' || (job.status === 'paused' && job.cancelRequestedAt !== null)
}

/** The 409 of a job that can't take something as it stands. */
export function refusal(code: string, job: JobRow, reason: string): BatchwrightError {
  return new BatchwrightError(code, `job ${job.id} ${reason}`, { details: { job_id: job.id, job_status: job.status } })
}
