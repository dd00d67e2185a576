import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'
import { createJobBody, createJobHeaders, createJobQuery, dryRunSchema, jobSchema, jsonBodyLimitBytes } from './contracts/jobs.ts'
import type { Dependencies } from './dependencies.ts'
import { inputTypeOf } from './input-type.ts'
import { toJobJson } from './job-json.ts'
import { readJsonBody } from './json-body.ts'
import { parseJson } from './json-text.ts'
import { bodyOf } from './request-body.ts'
import { addRoute, jsonAnswer, type ApiContext, type Router } from './router.ts'
import { createJob, dryRunJob, type JobUpload } from './uploads/create-job.ts'
import { copiedInput } from './uploads/copied-input.ts'
import { draftInput } from './uploads/drafts.ts'
import { inputFormatOf } from './uploads/input-stream.ts'
import { invalidBody, itemsOf, jsonInput, streamInput } from './uploads/job-input.ts'
import { readMultipart } from './uploads/multipart.ts'
import { resolveSpec, type ResolvedSpec } from './uploads/spec.ts'

type CreateQuery = z.output<typeof createJobQuery>
type CreateInput = Omit<JobUpload, 'idempotencyKey'>

/** `POST /v1/jobs`, in three forms: JSON for few items, JSON lines or CSV with the spec in the query, or multipart. The last two stream. */
export function addCreateRoute(router: Router, dependencies: Dependencies): void {
  addRoute(
    router,
    {
      method: 'post',
      path: '/v1/jobs',
      summary: 'Create a job from its items, or a draft without any',
      description:
        'With `draft: true` in a JSON body its items come by `POST /v1/jobs/{id}/items`, and it runs after `POST /v1/jobs/{id}/start`. Else as JSON (the spec with `items`, up to 32 MB), as JSON lines or CSV with the spec in the query, or as multipart with a part `job` (the spec as JSON) before a part `file`. All lines are checked: the first 100 errors come back as `invalid_input`, and nothing is stored.',
      tag: 'jobs',
      query: createJobQuery,
      headers: createJobHeaders,
      body: {
        'application/json': { schema: createJobBody },
        'application/x-ndjson': { schema: { type: 'string' } },
        'text/csv': { schema: { type: 'string' } },
        'multipart/form-data': { schema: z.object({ job: jobSpecPart, file: filePart }) },
      },
      responses: {
        201: jsonAnswer(jobSchema, 'The job is stored, and will run if it is no draft.'),
        200: jsonAnswer(
          z.union([jobSchema, dryRunSchema]),
          'The job that this idempotency key and content created before, or that has this name; with `dry_run`, what would be.',
        ),
      },
    },
    async ({ context, query, headers }) => {
      const input = await readInput(dependencies, context, query)
      const upload = { ...input, idempotencyKey: headers['idempotency-key'] ?? null }
      if (query.dry_run === 'true' && input.isDraft === true) throw invalidBody('draft', 'has no items that could be planned')
      if (query.dry_run === 'true') return context.json(await dryRunJob(dependencies, upload), 200)
      if (query.if_exists !== undefined && input.resolved.spec.name === undefined) throw nameMissing()
      const { created, job } = await createJob(dependencies, upload, query.if_exists ?? null)
      return context.json(toJobJson(job, dependencies.config.temporal), created ? 201 : 200, {
        location: `/v1/jobs/${job.job.id}`,
      })
    },
  )
}

const jobSpecPart = createJobBody.omit({ items: true, from: true, draft: true })
const filePart = z.string().meta({ type: 'string', format: 'binary', description: 'CSV by its name or type, else JSON lines.' })

async function readInput(dependencies: Dependencies, context: ApiContext, query: CreateQuery): Promise<CreateInput> {
  const limit = { maxBytes: dependencies.config.maxInputBytes }
  const type = inputTypeOf(context, ['json', 'jsonl', 'csv', 'multipart'], limit.maxBytes)
  const resolve = (spec: unknown) => resolveSpec(spec, dependencies.config, dependencies.catalog)
  switch (type) {
    case 'json':
      refuseFields(query)
      return await jsonOrCopiedInput(dependencies, await readJsonBody(context, jsonBodyLimitBytes), resolve)
    case 'jsonl':
    case 'csv':
      return streamInput(bodyOf(context), type, resolve(specOf(query)), limit)
    case 'multipart': {
      refuseFields(query)
      const { job, fileName, mediaType, file } = await readMultipart(bodyOf(context), context.req.header('content-type') ?? '')
      return streamInput(file, inputFormatOf(mediaType, fileName), resolve(job), limit)
    }
  }
}

async function jsonOrCopiedInput(
  dependencies: Dependencies,
  body: unknown,
  resolve: (spec: unknown) => ResolvedSpec,
): Promise<CreateInput> {
  const fields = typeof body === 'object' && body !== null ? body : {}
  if ('draft' in fields) {
    const { draft, ...spec } = fields
    if (draft !== true) throw invalidBody('draft', 'expected true, or no such field')
    const [field] = ['items', 'from'].filter((name) => name in spec)
    if (field !== undefined)
      throw invalidBody(field, 'a draft is created without items: send them to /v1/jobs/{id}/items afterwards')
    return draftInput(resolve(spec))
  }
  if (!('from' in fields)) {
    const { items, rest } = itemsOf(body)
    return jsonInput(items, resolve(rest), { maxBytes: dependencies.config.maxInputBytes })
  }
  if ('items' in fields) throw invalidBody('from', 'give either `items` or `from`, not both')
  return await copiedInput(dependencies, fields, resolve)
}

/** Throws what `parseJson` throws for a `spec` that is none. */
function specOf({
  spec,
  tag,
  dry_run: _dryRun,
  if_exists: _ifExists,
  skip_invalid: skipInvalid,
  ...fields
}: CreateQuery): unknown {
  if (spec === undefined)
    return {
      ...fields,
      ...(skipInvalid === undefined ? {} : { skip_invalid: skipInvalid === 'true' }),
      ...(tag === undefined ? {} : { tags: tagsOf([tag].flat()) }),
    }
  if (tag !== undefined || skipInvalid !== undefined || Object.keys(fields).length > 0) {
    throw new BatchwrightError('invalid_request', 'query: give the whole spec as `spec`, or its fields one by one, not both')
  }
  return parseJson(spec, 'the query parameter "spec"')
}

function tagsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at <= 0)
        throw new BatchwrightError('invalid_request', `query: tag: "${pair}" is not key=value`, {
          details: { errors: [{ field: 'tag', reason: 'is not key=value' }] },
        })
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** They would be taken for a part of the spec, which is in the body. */
function refuseFields({ dry_run: _dryRun, if_exists: _ifExists, ...fields }: CreateQuery): void {
  const [field] = Object.keys(fields)
  if (field === undefined) return
  const reason = 'is a field of the spec, which is in the body: put it there'
  throw new BatchwrightError('invalid_request', `query: ${field}: ${reason}`, { details: { errors: [{ field, reason }] } })
}

function nameMissing(): BatchwrightError {
  const reason = 'is about the name of a job: give the job one'
  return new BatchwrightError('invalid_request', `if_exists: ${reason}`, {
    details: { errors: [{ field: 'if_exists', reason }] },
  })
}
