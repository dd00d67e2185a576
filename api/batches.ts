import { listBatches, type ListedBatch } from '../db/batch-listing.ts'
import { loadJob } from '../db/job-state.ts'
import type { SubmissionRow } from '../db/submissions.ts'
import { batchListSchema, listBatchesQuery, type Batch, type Submission } from './contracts/batches.ts'
import { jobParams } from './contracts/jobs.ts'
import { decodeCursor, numberCursor, toPage } from './cursors.ts'
import type { Dependencies } from './dependencies.ts'
import { iso } from './job-json.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'

/** `GET /v1/jobs/{id}/batches`: what was sent, and every try at sending it. */
export function addBatchRoutes(router: Router, { database }: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/batches',
      summary: "A job's batches with their submissions",
      tag: 'jobs',
      params: jobParams,
      query: listBatchesQuery,
      responses: { 200: jsonAnswer(batchListSchema, 'A page of batches.') },
    },
    async ({ context, params, query }) => {
      await loadJob(database.drizzle, params.id)
      const after = decodeCursor(query.cursor, numberCursor)?.after ?? 0
      const rows = await listBatches(database, params.id, after, query.limit + 1)
      return context.json(toPage(rows, query.limit, toBatchJson, ({ batch }) => ({ after: batch.batch })))
    },
  )
}

function toBatchJson({ batch, submissions }: ListedBatch): Batch {
  return {
    batch: batch.batch,
    round: batch.round,
    split_from: batch.splitFrom,
    provider: batch.provider,
    model: batch.model,
    endpoint: batch.endpoint,
    status: batch.status,
    result: batch.result,
    provider_batch_id: batch.providerBatchId,
    provider_status: batch.providerStatus,
    items: batch.items,
    bytes: batch.bytes,
    tokens: batch.tokens,
    reported: batch.reportedDone === null ? null : { done: batch.reportedDone, failed: batch.reportedFailed ?? 0 },
    answered: batch.answered,
    polls: batch.polls,
    error: batch.errorCode === null ? null : { code: batch.errorCode, message: batch.errorMessage },
    submissions: submissions.map(toSubmissionJson),
    created_at: batch.createdAt.toISOString(),
    submitted_at: iso(batch.submittedAt),
    expires_at: iso(batch.expiresAt),
    next_poll_at: iso(batch.nextPollAt),
    ended_at: iso(batch.endedAt),
  }
}

function toSubmissionJson(submission: SubmissionRow): Submission {
  return {
    id: submission.id,
    attempt: submission.attempt,
    state: submission.state,
    provider_batch_id: submission.providerBatchId,
    error: submission.error,
    intended_at: submission.intendedAt.toISOString(),
    sent_at: iso(submission.sentAt),
    send_deadline: submission.sendDeadline.toISOString(),
    settled_at: iso(submission.settledAt),
  }
}
