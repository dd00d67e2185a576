import { BatchwrightError } from '../core/errors.ts'
import { addItemsBody, addItemsQuery, jobParams, jobSchema, jsonBodyLimitBytes, partSchema, startBody } from './contracts/jobs.ts'
import type { Dependencies } from './dependencies.ts'
import { toJobJson } from './job-json.ts'
import { readJsonBody } from './json-body.ts'
import { bodyOf } from './request-body.ts'
import { addRoute, check, jsonAnswer, type ApiContext, type Router } from './router.ts'
import { addPart, findDraft, startDraftJob } from './uploads/drafts.ts'
import { inputFormatOf } from './uploads/input-stream.ts'
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
        'Parts come in order, each wholly or not at all; the same part again is not stored twice, so a request without an answer may be repeated. As JSON (`{"items": […]}`, up to 32 MB), JSON lines or CSV; of CSV each part has its header. Line numbers go on over the parts.',
      tag: 'jobs',
      params: jobParams,
      query: addItemsQuery,
      body: {
        'application/json': { schema: addItemsBody },
        'application/x-ndjson': { schema: { type: 'string' } },
        'text/csv': { schema: { type: 'string' } },
      },
      responses: { 200: jsonAnswer(partSchema, 'It is stored.') },
    },
    async ({ context, params, query }) =>
      context.json(
        await addPart(dependencies, params.id, query.part, await readPart(dependencies, context, params.id, query.part)),
      ),
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
  const mediaType = context.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const { resolved, inputBytes, draft } = await findDraft(dependencies, jobId)
  // One that is stored is counted already.
  const maxBytes = dependencies.config.maxInputBytes - (part <= draft.parts ? 0 : inputBytes)
  switch (mediaType) {
    case 'application/json': {
      const { items, rest } = itemsOf(await readJsonBody(context, jsonBodyLimitBytes))
      check(addItemsBody, { ...rest, items: [] }, 'body')
      return jsonInput(items, resolved, maxBytes)
    }
    case 'application/x-ndjson':
    case 'application/jsonl':
    case 'application/x-jsonlines':
    case 'text/csv':
      return streamInput(bodyOf(context), inputFormatOf(mediaType, undefined), resolved, maxBytes)
    default:
      throw new BatchwrightError(
        'unsupported_media_type',
        `the content type ${mediaType === '' ? 'is missing' : `"${mediaType}" is not taken`}: send application/json, application/x-ndjson or text/csv`,
      )
  }
}
