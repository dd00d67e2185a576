import { listParts } from '../db/drafts.ts'
import { loadJob } from '../db/job-state.ts'
import { addItemsBody, addItemsQuery, listPartsQuery, partListSchema, receivedPartSchema, startBody } from './contracts/drafts.ts'
import { jobParams, jobSchema, jsonBodyLimitBytes } from './contracts/jobs.ts'
import { decodeCursor, numberCursor, toPage } from './cursors.ts'
import type { Dependencies } from './dependencies.ts'
import { inputTypeOf } from './input-type.ts'
import { toJobJson } from './job-json.ts'
import { readJsonBody } from './json-body.ts'
import { bodyOf } from './request-body.ts'
import { addRoute, check, jsonAnswer, type ApiContext, type Router } from './router.ts'
import { addPart, findDraft, partJson, startDraftJob } from './uploads/drafts.ts'
import { itemsOf, jsonInput, streamInput, type JobInput } from './uploads/job-input.ts'

/** Jobs whose items come in numbered parts. They are created like any other, with `draft: true`. */
export function addDraftRoutes(router: Router, dependencies: Dependencies): void {
  const { config } = dependencies
  addRoute(
    router,
    {
      method: 'post',
      path: '/v1/jobs/{id}/items',
      summary: 'Add a part to a draft',
      description:
        'Parts come in order, each wholly or not at all; the same part again is not stored twice, so a request without an answer may be repeated. As JSON (`{"items": […]}`, up to 32 MB), JSON lines or CSV; of CSV each part has its header. The ids of lines without one are line numbers, which go on over the parts.',
      tag: 'jobs',
      params: jobParams,
      query: addItemsQuery,
      body: {
        'application/json': { schema: addItemsBody },
        'application/x-ndjson': { schema: { type: 'string' } },
        'text/csv': { schema: { type: 'string' } },
      },
      responses: { 200: jsonAnswer(receivedPartSchema, 'It is stored.') },
    },
    async ({ context, params, query }) =>
      context.json(
        await addPart(dependencies, params.id, query.part, await readPart(dependencies, context, params.id, query.part)),
      ),
  )

  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/parts',
      summary: 'Parts of a draft that are stored',
      description: 'Also after its start; empty for a job that came whole.',
      tag: 'jobs',
      params: jobParams,
      query: listPartsQuery,
      responses: { 200: jsonAnswer(partListSchema, 'A page of parts, in their order.') },
    },
    async ({ context, params, query }) => {
      await loadJob(dependencies.database.drizzle, params.id)
      const after = decodeCursor(query.cursor, numberCursor)?.after ?? 0
      const rows = await listParts(dependencies.database, params.id, after, query.limit + 1)
      return context.json(toPage(rows, query.limit, partJson, ({ part }) => ({ after: part })))
    },
  )

  addRoute(
    router,
    {
      method: 'post',
      path: '/v1/jobs/{id}/start',
      summary: 'Let a draft run',
      description: 'Nothing can be added afterwards. Starting it again changes nothing.',
      tag: 'commands',
      params: jobParams,
      body: { 'application/json': { schema: startBody } },
      responses: { 200: jsonAnswer(jobSchema, 'The job is stored and will run.') },
    },
    async ({ context, params }) => {
      const body = await readJsonBody(context, 64 * 1024)
      const { parts } = body === undefined ? {} : check(startBody, body, 'body')
      return context.json(toJobJson(await startDraftJob(dependencies, params.id, parts ?? null), config.temporal))
    },
  )
}

async function readPart(dependencies: Dependencies, context: ApiContext, jobId: string, part: number): Promise<JobInput> {
  const { resolved, inputBytes, draft } = await findDraft(dependencies, jobId)
  const { maxInputBytes: maxBytes } = dependencies.config
  // One that is stored is counted already.
  const limit = { maxBytes, before: part <= draft.parts ? 0 : inputBytes }
  const type = inputTypeOf(context, ['json', 'jsonl', 'csv'], maxBytes)
  if (type !== 'json') return streamInput(bodyOf(context), type, resolved, limit)
  const { items, rest } = itemsOf(await readJsonBody(context, jsonBodyLimitBytes))
  check(addItemsBody, { ...rest, items: [] }, 'body')
  return jsonInput(items, resolved, limit)
}
