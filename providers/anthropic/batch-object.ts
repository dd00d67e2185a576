import { z } from 'zod'
import { parseAnswer } from '../parse-answer.ts'
import type { ProviderBatch } from '../provider.ts'

const count = z.number().nullish()
/** RFC 3339. */
const time = z.iso.datetime({ offset: true })

/** https://platform.claude.com/docs/en/api/messages/batches/retrieve: only what is used. */
const messageBatch = z.object({
  id: z.string().min(1),
  processing_status: z.string(),
  request_counts: z.object({ processing: count, succeeded: count, errored: count, canceled: count, expired: count }).nullish(),
  created_at: time,
  expires_at: time.nullish(),
  ended_at: time.nullish(),
  cancel_initiated_at: time.nullish(),
  results_url: z.string().nullish(),
})
type MessageBatch = z.infer<typeof messageBatch>

/** Throws a transient ProviderError when it is not a batch: after a create, nobody knows then whether there is one. */
export function toProviderBatch(value: unknown, call: string): ProviderBatch {
  const batch = parseAnswer(messageBatch, value, call, 'a batch')
  return {
    id: batch.id,
    status: statusOf(batch),
    rawStatus: batch.processing_status,
    marker: null,
    counts: countsOf(batch),
    createdAt: new Date(batch.created_at),
    expiresAt: dateOf(batch.expires_at),
    endedAt: dateOf(batch.ended_at),
    resultFileIds: batch.results_url == null || batch.results_url === '' ? [] : [batch.results_url],
    inputFileId: null,
    // What is wrong with a batch is said at its creation, what is wrong with a request in its result: there is no failed batch.
    refusal: null,
  }
}

/** Anthropic has one word for every end; what became of the requests tells which it was. */
function statusOf({ processing_status: status, request_counts: counts, cancel_initiated_at: cancelled }: MessageBatch) {
  switch (status) {
    case 'canceling':
      return 'cancelling'
    case 'ended':
      // A cancellation that came too late cancelled nothing.
      if (cancelled != null && (counts?.canceled ?? 0) > 0) return 'cancelled'
      return (counts?.expired ?? 0) > 0 ? 'expired' : 'completed'
    // `in_progress`, and what may be added: not ended as far as we know.
    default:
      return 'in_progress'
  }
}

function countsOf({ request_counts: counts }: MessageBatch): ProviderBatch['counts'] {
  if (counts == null) return null
  const done = counts.succeeded ?? 0
  const failed = (counts.errored ?? 0) + (counts.canceled ?? 0) + (counts.expired ?? 0)
  return { done, failed, total: (counts.processing ?? 0) + done + failed }
}

function dateOf(text: string | null | undefined): Date | null {
  return text == null ? null : new Date(text)
}
