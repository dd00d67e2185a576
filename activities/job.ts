import { describeError } from '../core/errors.ts'
import { modelOfRound, roundBackoffMs, roundsAllowed } from '../core/job-spec.ts'
import type { ShardingRules } from '../core/sharding.ts'
import type { BatchLimits } from '../core/splitting.ts'
import { isTerminalJobStatus, type JobStatus, type PauseReason } from '../core/statuses.ts'
import { hasBatchPast, isRoundUnderWay, msSinceLastEnd, openBatchNumbers } from '../db/batches.ts'
import { closeItems, finalizeJob, reopenItems, type FinalCounts } from '../db/finalize.ts'
import { appendEvent } from '../db/job-events.ts'
import {
  countOpenings,
  failJob,
  loadJob,
  markFinalizing,
  pauseJob,
  requestCancel,
  resumeJob,
  startJob,
  type JobRow,
} from '../db/job-state.ts'
import { planRound } from '../db/plan.ts'
import { parseSpec, requireProvider, retryPolicy } from './batch-context.ts'
import { canaryLimit } from './canary.ts'
import type { ProviderQueue } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { pauseReasonOf, withFailures } from './failures.ts'

export interface RetryRequest {
  /** Only items that ended with one of these classes; all that did not succeed without it. */
  readonly classes?: readonly string[]
}

export interface BegunJob {
  readonly status: JobStatus
  /** False: the job has ended, and nothing was asked of it. */
  readonly hasWork: boolean
  readonly name: string | null
  readonly queue: ProviderQueue
  readonly searchAttributes: boolean
  /** How often `retry` has opened it: its end is asked for with this number, so that a late try can't close what was opened since. */
  readonly openings: number
}

export interface RoundToRun {
  readonly status: JobStatus
  readonly round: number
  /** Open batches to run, by number, a page of them; empty when the job has nothing left to send. */
  readonly batches: readonly number[]
  /** Until the round may start. Null: the job is paused until a person resumes it. */
  readonly waitMs: number | null
}

export interface EndedJob {
  readonly status: JobStatus
  readonly counts: FinalCounts
}

/** Open batches that a job's workflow is given at once: their numbers go into its history. */
const batchesPerRun = 10_000

export function createJobActivities(dependencies: ActivityDependencies) {
  const { database, settings, reach } = dependencies

  return {
    /**
     * Starts a queued job, or finds where a started one stands. With `retry`, opens what did not succeed again: once for each `requestId`,
     * so that a late try can't open what has ended since.
     */
    async beginJob({
      jobId,
      retry,
      requestId,
    }: {
      jobId: string
      retry: RetryRequest | null
      requestId: string
    }): Promise<BegunJob> {
      return await withFailures(async () => {
        if (retry !== null) await reopenItems(database, jobId, retry.classes ?? null, requestId)
        const job = await startJob(database, jobId)
        return {
          status: job.status,
          hasWork: !isTerminalJobStatus(job.status),
          name: job.name,
          queue: { provider: job.provider, simulated: job.simulated, unservedAfterMs: settings.unserved.afterMs },
          searchAttributes: settings.searchAttributes,
          openings: await countOpenings(database.drizzle, jobId),
        }
      })
    },

    /** The batches to run now: those that are open, else those of the next round, planned here. */
    async planRound({ jobId }: { jobId: string }): Promise<RoundToRun> {
      return await withFailures(async () => {
        const job = await loadJob(database.drizzle, jobId)
        let batches = await openBatchNumbers(database.drizzle, jobId, batchesPerRun)
        try {
          if (batches.length === 0 && (await planNext(job)))
            batches = await openBatchNumbers(database.drizzle, jobId, batchesPerRun)
        } catch (error) {
          const reason = pauseReasonOf(error)
          if (reason === null) throw error
          await pauseJob(database, jobId, reason, describeError(error))
          const { status, round } = await loadJob(database.drizzle, jobId)
          return { status, round, batches: [], waitMs: null }
        }
        const current = await loadJob(database.drizzle, jobId)
        const { status, round } = current
        const isUnderWay = batches.length === 0 || (await isRoundUnderWay(database.drizzle, jobId, round))
        return { status, round, batches, waitMs: isUnderWay ? 0 : await backoffLeftMs(current, round) }
      })
    },

    /* Each of these answers with where the job stands now, which need not be what was asked for. */

    async pause({ jobId, reason }: { jobId: string; reason: PauseReason }): Promise<JobStatus> {
      return await withFailures(async () => {
        await pauseJob(database, jobId, reason, null)
        return await statusOf(jobId)
      })
    },

    async resume({ jobId }: { jobId: string }): Promise<JobStatus> {
      return await withFailures(async () => {
        await resumeJob(database, jobId)
        return await statusOf(jobId)
      })
    },

    async markCancelling({ jobId }: { jobId: string }): Promise<JobStatus> {
      return await withFailures(async () => {
        await requestCancel(database, jobId)
        return await statusOf(jobId)
      })
    },

    async findStatus({ jobId }: { jobId: string }): Promise<JobStatus> {
      return await withFailures(() => statusOf(jobId))
    },

    /** Ends what is left and the job with it. Throws `job_reopened`, and changes nothing, for a try that a `retry` has overtaken. */
    async finalize({ jobId, openings }: { jobId: string; openings?: number }): Promise<EndedJob> {
      return await withFailures(async () => {
        await markFinalizing(database, jobId, openings)
        await closeItems(database, jobId)
        await reach('finalize.before_commit')
        return await finalizeJob(database, jobId)
      })
    },

    async failJob({ jobId, code, message }: { jobId: string; code: string; message: string }): Promise<void> {
      await withFailures(() => failJob(database, jobId, code, message))
    },
  }

  async function statusOf(jobId: string): Promise<JobStatus> {
    return (await loadJob(database.drizzle, jobId)).status
  }

  /** Plans the next round if there may be one. Limits of one round count from the job's first round, or from its last `retry`. */
  async function planNext(job: JobRow): Promise<boolean> {
    if (job.cancelRequestedAt !== null || isTerminalJobStatus(job.status)) return false
    const spec = parseSpec(job)
    const fallbackModels = spec.fallback_models ?? []
    const maxRounds = roundsAllowed(retryPolicy(dependencies, job.provider, spec), fallbackModels)
    const round = job.round + 1
    const hasRound = round - job.firstRound + 1 <= maxRounds
    const upToSeq = await canaryLimit(dependencies, job, spec, hasRound)
    // The canary's rounds are none of those that the others may have.
    const isAfterCanary =
      upToSeq === null &&
      spec.canary !== undefined &&
      spec.canary.items < job.items &&
      !(await hasBatchPast(database.sql, job.id, spec.canary.items))
    const firstRound = isAfterCanary ? round : job.firstRound
    const roundInJob = round - firstRound + 1
    if (roundInJob > maxRounds) return false
    const provider = requireProvider(dependencies, job.provider, job.simulated)
    const limits = new Map<string, BatchLimits>()
    const limitsOf = (model: string): BatchLimits => {
      const known = limits.get(model)
      if (known !== undefined) return known
      const own = provider.limits(model)
      const capped = {
        maxRequests: Math.min(own.maxRequests, spec.limits?.max_batch_requests ?? own.maxRequests),
        maxBytes: Math.min(own.maxBytes, spec.limits?.max_batch_bytes ?? own.maxBytes),
        maxTokens: settings.capacity(job.provider)?.enqueuedTokens.get(model) ?? own.maxTokens,
      }
      limits.set(model, capped)
      return capped
    }
    const rules: ShardingRules = {
      destinationOf: (item) => ({
        model: modelOfRound(item.model ?? job.model ?? '', fallbackModels, roundInJob, maxRounds),
        endpoint: item.endpoint ?? job.endpoint ?? '/v1/chat/completions',
      }),
      limitsOf,
      sizes: provider.marker === null ? 'distinct' : 'any',
    }
    const plan = await planRound(database, job, round, rules, {
      firstRound,
      ...(upToSeq === null ? {} : { upToSeq }),
    })
    if (plan.batches > 0)
      await appendEvent(database.drizzle, job.id, 'round_planned', { round, batches: plan.batches, items: plan.items })
    return plan.batches > 0
  }

  /** What is left of the wait before a round, counted from the end of the round before it. */
  async function backoffLeftMs(job: JobRow, round: number): Promise<number> {
    const backoffMs = roundBackoffMs(retryPolicy(dependencies, job.provider, parseSpec(job)), round - job.firstRound + 1)
    if (backoffMs === 0) return 0
    return Math.max(0, backoffMs - ((await msSinceLastEnd(database.drizzle, job.id)) ?? backoffMs))
  }
}
