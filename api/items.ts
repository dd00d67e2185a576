import { BatchwrightError } from '../core/errors.ts'
import { parseExactJson } from '../core/exact-json.ts'
import type { Json } from '../core/json.ts'
import { formatDollars } from '../core/money.ts'
import { findItemLine, listItemAttempts, listItems, type ItemAttempt, type ListedItem } from '../db/items.ts'
import { loadJob } from '../db/job-state.ts'
import { findResult } from '../db/results.ts'
import type { AnswerContent } from '../formats/canonical-answer.ts'
import { itemDetailSchema, itemListSchema, itemParams, listItemsQuery, type Attempt, type Item } from './contracts/items.ts'
import { jobParams } from './contracts/jobs.ts'
import { decodeCursor, numberCursor, toPage } from './cursors.ts'
import type { Dependencies } from './dependencies.ts'
import { toErrorJson, toResultJson } from './result-json.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'

/** `GET /v1/jobs/{id}/items`, and one of them with its whole story. */
export function addItemRoutes(router: Router, { database }: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/items',
      summary: "List a job's items in input order",
      tag: 'jobs',
      params: jobParams,
      query: listItemsQuery,
      responses: { 200: jsonAnswer(itemListSchema, 'A page of items.') },
    },
    async ({ context, params, query }) => {
      await loadJob(database.drizzle, params.id)
      const after = decodeCursor(query.cursor, numberCursor)?.after ?? 0
      const filter = { status: query.status, errorClass: query.error_class, customId: query.custom_id }
      const rows = await listItems(database, params.id, filter, after, query.limit + 1)
      return context.json(toPage(rows, query.limit, toItemJson, (row) => ({ after: row.seq })))
    },
  )

  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/items/{seq}',
      summary: 'One item with its line, its earlier attempts and its result',
      tag: 'jobs',
      params: itemParams,
      responses: { 200: jsonAnswer(itemDetailSchema, 'The item.') },
    },
    async ({ context, params: { id, seq } }) => {
      const job = await loadJob(database.drizzle, id)
      const [item] = await listItems(database, id, { seq }, seq - 1, 1)
      const line = await findItemLine(database, id, seq)
      if (item === undefined || line === null) throw new BatchwrightError('item_not_found', `job ${id} has no item ${seq}`)
      const attempts = await listItemAttempts(database, id, seq)
      const result = await findResult(database, id, seq)
      return context.json({
        ...toItemJson(item),
        line: parseExactJson(line) as Json,
        earlier_attempts: attempts.map(toAttemptJson),
        result: result === null ? null : toResultJson(job, result),
      })
    },
  )
}

function toItemJson(item: ListedItem): Item {
  return {
    seq: item.seq,
    custom_id: item.customId,
    status: item.status,
    error_class: item.errorClass,
    attempts: item.attempts,
    batch: item.batch,
    bytes: item.bytes,
    tokens: item.tokens,
  }
}

function toAttemptJson(attempt: ItemAttempt): Attempt {
  return {
    batch: attempt.batch,
    batch_id: attempt.providerBatchId,
    round: attempt.round,
    error: toErrorJson(attempt.error),
    text: attempt.answer === null ? null : (JSON.parse(attempt.answer) as AnswerContent).text,
    model: attempt.model,
    usage: {
      input_tokens: attempt.inputTokens,
      output_tokens: attempt.outputTokens,
      cached_tokens: attempt.cachedTokens,
      cache_write_tokens: attempt.cacheWriteTokens,
      reasoning_tokens: attempt.reasoningTokens,
    },
    cost_usd: attempt.costNanos === null ? null : formatDollars(attempt.costNanos),
    created_at: attempt.createdAt.toISOString(),
  }
}
