import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'
import { tooDeep } from '../formats/input-line.ts'
import { createJobBody, createJobHeaders, createJobQuery, dryRunSchema, jobSchema, jsonBodyLimitBytes } from './contracts/jobs.ts'
import type { Dependencies } from './dependencies.ts'
import { toJobJson } from './job-json.ts'
import { readJsonBody } from './json-body.ts'
import { parseJson } from './json-text.ts'
import { bodyOf } from './request-body.ts'
import { addRoute, jsonAnswer, type ApiContext, type Router } from './router.ts'
import type { ByteLine } from './uploads/byte-lines.ts'
import { createJob, dryRunJob, type JobInput } from './uploads/create-job.ts'
import { copiedInput } from './uploads/copied-input.ts'
import {
  createMeter,
  inputFormatOf,
  inputTooLarge,
  readInputLines,
  refuseTemplate,
  type InputFormat,
} from './uploads/input-stream.ts'
import { readMultipart } from './uploads/multipart.ts'
import { resolveSpec, type ResolvedSpec } from './uploads/spec.ts'

type CreateQuery = z.output<typeof createJobQuery>
type Input = JobInput

/** `POST /v1/jobs`, in three forms: JSON for few items, JSON lines or CSV with the spec in the query, or multipart. The last two stream. */
export function addCreateRoute(router: Router, dependencies: Dependencies): void {
  addRoute(
    router,
    {
      method: 'post',
      path: '/v1/jobs',
      summary: 'Create a job from its items',
      description:
        'As JSON (the spec with `items`, up to 32 MB), as JSON lines or CSV with the spec in the query, or as multipart with a part `job` (the spec as JSON) before a part `file`. All lines are checked: the first 100 errors come back as `invalid_input`, and nothing is stored.',
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
        201: jsonAnswer(jobSchema, 'The job is stored and will run.'),
        200: jsonAnswer(
          z.union([jobSchema, dryRunSchema]),
          'The job that this idempotency key and content created before, or that has this name; with `dry_run`, what would be.',
        ),
      },
    },
    async ({ context, query, headers }) => {
      refuseTooLarge(context, dependencies.config.maxInputBytes)
      const input = await readInput(dependencies, context, query)
      const upload = { ...input, idempotencyKey: headers['idempotency-key'] ?? null }
      if (query.dry_run === 'true') return context.json(await dryRunJob(dependencies, upload), 200)
      if (query.if_exists !== undefined && input.resolved.spec.name === undefined) throw nameMissing()
      const { created, job } = await createJob(dependencies, upload, query.if_exists ?? null)
      return context.json(toJobJson(job, dependencies.config.temporal), created ? 201 : 200, {
        location: `/v1/jobs/${job.job.id}`,
      })
    },
  )
}

const jobSpecPart = createJobBody.omit({ items: true, from: true })
const filePart = z.string().meta({ type: 'string', format: 'binary', description: 'CSV by its name or type, else JSON lines.' })

async function readInput(dependencies: Dependencies, context: ApiContext, query: CreateQuery): Promise<Input> {
  const encoding = context.req.header('content-encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity')
    throw new BatchwrightError(
      'unsupported_media_type',
      `content-encoding "${encoding}" is not taken: send the items uncompressed`,
    )
  const contentType = context.req.header('content-type') ?? ''
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const resolve = (spec: unknown) => resolveSpec(spec, dependencies.config, dependencies.catalog)
  switch (mediaType) {
    case 'application/json':
      refuseFields(query)
      return await jsonOrCopiedInput(dependencies, await readJsonBody(context, jsonBodyLimitBytes), resolve)
    case 'application/x-ndjson':
    case 'application/jsonl':
    case 'application/x-jsonlines':
    case 'text/csv':
      return streamInput(
        bodyOf(context),
        inputFormatOf(mediaType, undefined),
        resolve(specOf(query)),
        dependencies.config.maxInputBytes,
      )
    case 'multipart/form-data': {
      refuseFields(query)
      const { job, fileName, mediaType: fileType, file } = await readMultipart(bodyOf(context), contentType)
      return streamInput(file, inputFormatOf(fileType, fileName), resolve(job), dependencies.config.maxInputBytes)
    }
    default:
      throw new BatchwrightError(
        'unsupported_media_type',
        `the content type ${mediaType === '' ? 'is missing' : `"${mediaType}" is not taken`}: send application/json, application/x-ndjson, text/csv or multipart/form-data`,
      )
  }
}

function streamInput(source: AsyncIterable<Uint8Array>, format: InputFormat, resolved: ResolvedSpec, maxBytes: number): Input {
  const meter = createMeter(resolved.canonical, format, maxBytes)
  return {
    resolved,
    meter,
    lines: () => readInputLines(meter.pass(source), format, resolved.spec.prompt),
    drain: () => meter.drain(source),
  }
}

const itemsField = z.looseObject({ items: z.array(z.unknown()) })

async function jsonOrCopiedInput(
  dependencies: Dependencies,
  body: unknown,
  resolve: (spec: unknown) => ResolvedSpec,
): Promise<Input> {
  const { maxInputBytes } = dependencies.config
  if (typeof body !== 'object' || body === null || !('from' in body)) return jsonInput(body, resolve, maxInputBytes)
  if ('items' in body) throw invalidBody('from', 'give either `items` or `from`, not both')
  return await copiedInput(dependencies, body, resolve)
}

/** Items of a JSON body are checked and stored as if each were a line; line 1 is the first of them. */
function jsonInput(body: unknown, resolve: (spec: unknown) => ResolvedSpec, maxBytes: number): Input {
  const checked = itemsField.safeParse(body)
  if (!checked.success) throw invalidBody('items', 'expected an object with the job spec and `items`, an array of input lines')
  const { items, ...spec } = checked.data
  const resolved = resolve(spec)
  refuseTemplate(resolved.spec.prompt)
  const meter = createMeter(resolved.canonical, 'json', maxBytes)
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const [index, item] of items.entries()) yield Buffer.from(`${lineOf(item, index + 1)}\n`)
  }
  async function* lines(): AsyncGenerator<ByteLine[]> {
    let number = 0
    for await (const line of meter.pass(bytes())) {
      number += 1
      yield [{ number, bytes: (line as Buffer).subarray(0, -1), problem: null, terminated: true }]
    }
  }
  return { resolved, meter, lines, drain: () => meter.drain(bytes()) }
}

function invalidBody(field: string, reason: string): BatchwrightError {
  return new BatchwrightError('invalid_request', `the body is not valid: ${reason}`, { details: { errors: [{ field, reason }] } })
}

function lineOf(item: unknown, lineNumber: number): string {
  try {
    return JSON.stringify(item)
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(lineNumber, error)
    throw error
  }
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

/** Before anything is read, where the size is said ahead. Multipart adds a little around the file. */
function refuseTooLarge(context: ApiContext, maxBytes: number): void {
  const length = Number(context.req.header('content-length') ?? 0)
  if (length > maxBytes + 1024 * 1024) throw inputTooLarge(maxBytes)
}
