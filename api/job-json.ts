import { priorities, type Priority } from '../core/admission.ts'
import { jobWorkflowId } from '../core/job-id.ts'
import type { JobSpec } from '../core/job-spec.ts'
import { formatDollars } from '../core/money.ts'
import type { SummarizedJob } from '../db/jobs.ts'
import type { Config } from '../config/config.ts'
import type { Job } from './contracts/jobs.ts'

export function toJobJson({ job, batches }: SummarizedJob, temporal: Config['temporal']): Job {
  const final = job.succeeded + job.failed + job.expired + job.cancelled
  const submitted = Math.min(batches.submitted, job.items - final)
  return {
    id: job.id,
    name: job.name,
    status: job.status,
    pause: job.pauseReason === null ? null : { reason: job.pauseReason, detail: job.pauseDetail },
    provider: job.provider,
    model: job.model,
    endpoint: job.endpoint,
    simulated: job.simulated,
    priority: priorityName(job.priority),
    tags: job.tags,
    spec: JSON.parse(job.spec) as JobSpec,
    counts: {
      total: job.items,
      pending: Math.max(0, job.items - final - submitted),
      submitted,
      succeeded: job.succeeded,
      failed: job.failed,
      expired: job.expired,
      cancelled: job.cancelled,
    },
    draft: job.draft === null || job.status !== 'validating' ? null : { next_part: job.draft.parts + 1 },
    rejected_lines: job.rejected,
    progress: {
      done: Math.min(job.items, final + batches.reportedDone),
      failed: Math.min(job.items, job.failed + job.expired + batches.reportedFailed),
      total: job.items,
    },
    batches: { total: batches.total, open: batches.open },
    round: job.round,
    earlier_attempts: job.attempts,
    usage: { input_tokens: job.inputTokens, output_tokens: job.outputTokens },
    cost_usd: formatDollars(job.costNanos),
    unpriced_items: job.unpriced,
    error: job.errorCode === null ? null : { code: job.errorCode, message: job.errorMessage ?? job.errorCode },
    next_poll_at: iso(batches.nextPollAt),
    created_at: job.createdAt.toISOString(),
    queued_at: iso(job.queuedAt),
    started_at: iso(job.startedAt),
    ended_at: iso(job.endedAt),
    // Its workflow begins when all of it is there.
    temporal_ui_url: job.status === 'validating' ? null : workflowUrl(job.id, temporal),
  }
}

export function iso(instant: Date | null): string | null {
  return instant?.toISOString() ?? null
}

function priorityName(priority: number): Priority {
  return (Object.keys(priorities) as Priority[]).find((name) => priorities[name] === priority) ?? 'normal'
}

function workflowUrl(jobId: string, { uiUrl, namespace }: Config['temporal']): string | null {
  return uiUrl === null
    ? null
    : `${uiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/${jobWorkflowId(jobId)}`
}
