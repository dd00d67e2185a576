import { createHmac } from 'node:crypto'
import { describeError } from '../core/errors.ts'
import { formatDollars } from '../core/money.ts'
import { isTerminalJobStatus } from '../core/statuses.ts'
import { appendEvent } from '../db/job-events.ts'
import { loadJob, type JobRow } from '../db/job-state.ts'
import { listLeftFiles } from '../db/submissions.ts'
import { lookUp, parseSpec, requireProvider } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { toFailure } from './failures.ts'
import { cancellationSignal } from './heartbeat.ts'

/** A webhook call may take this long, in milliseconds. */
const webhookTimeoutMs = 15_000

/** What follows a job's end. Neither of these can change how it ended. */
export function createAfterJobActivities(dependencies: ActivityDependencies) {
  const { database, logger } = dependencies
  return {
    /**
     * Deletes what the job's ended batches left at the provider: input files and result files. `keep_provider_files` keeps them.
     *
     * A job that failed as a whole (its workflow was terminated, say) may leave batches that end after it. Nobody comes back for their files: both kinds
     * are created with an expiry (7 and 30 days, providers/openai), and go by that.
     */
    async deleteProviderFiles({ jobId }: { jobId: string }): Promise<{ deleted: number }> {
      const signal = cancellationSignal()
      try {
        const job = await loadJob(database.drizzle, jobId)
        if (parseSpec(job).keep_provider_files === true) return { deleted: 0 }
        const provider = requireProvider(dependencies, job.provider, job.simulated)
        const { inputFileIds, providerBatchIds } = await listLeftFiles(database.drizzle, jobId)
        const files = new Set(inputFileIds)
        for (const providerBatchId of providerBatchIds) {
          const batch = await lookUp(() => provider.retrieve(providerBatchId, signal))
          for (const fileId of batch?.resultFileIds ?? []) files.add(fileId)
        }
        await provider.deleteFiles([...files], signal)
        return { deleted: files.size }
      } catch (error) {
        throw toFailure(error)
      }
    },

    /** Tells the configured webhook that a job ended; tried again for as long as the caller says. */
    async notify({ jobId }: { jobId: string }): Promise<void> {
      try {
        await notifyOfEnd(dependencies, jobId)
      } catch (error) {
        logger.warn({ jobId, error: describeError(error) }, 'webhook not delivered')
        throw toFailure(error)
      }
    },
  }
}

/** Tells the configured webhook that a job ended, signed as Standard Webhooks (https://www.standardwebhooks.com). One try. */
export async function notifyOfEnd({ database, settings }: ActivityDependencies, jobId: string): Promise<void> {
  const { webhook } = settings
  if (webhook === null) return
  const job = await loadJob(database.drizzle, jobId)
  if (!isTerminalJobStatus(job.status)) return
  const body = JSON.stringify({
    type: `job.${job.status}`,
    timestamp: (job.endedAt ?? new Date()).toISOString(),
    data: {
      id: job.id,
      name: job.name,
      status: job.status,
      simulated: job.simulated,
      counts: {
        total: job.items,
        succeeded: job.succeeded,
        failed: job.failed,
        expired: job.expired,
        cancelled: job.cancelled,
      },
      cost_usd: formatDollars(job.costNanos),
    },
  })
  const response = await fetch(webhook.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...sign(messageIdOf(job), body, webhook.secret) },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(webhookTimeoutMs),
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`the webhook answered ${response.status}`)
  await appendEvent(database.drizzle, jobId, 'webhook_delivered', { status: response.status })
}

/** The same for every try at telling one end of a job, so that a receiver can drop repeats. */
function messageIdOf({ id, endedAt }: JobRow): string {
  return `msg_${id}_${endedAt?.getTime() ?? 0}`
}

function sign(id: string, body: string, secret: string | null): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1000).toString()
  if (secret === null) return { 'webhook-id': id, 'webhook-timestamp': timestamp }
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
