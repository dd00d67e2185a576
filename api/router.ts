import { OpenAPIHono, type RouteConfig } from '@hono/zod-openapi'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'
import { describeSchemaIssues, joinIssues } from '../config/schema-issues.ts'
import { problemSchema } from './contracts/problems.ts'
import { findUnstorable, isStorable } from './uploads/storable-text.ts'

export interface ApiEnv {
  /** Absent in tests, where requests come from `app.request()`. */
  Bindings: Partial<HttpBindings>
}
export type ApiContext = Context<ApiEnv>
export type Router = OpenAPIHono<ApiEnv>

export function createRouter(): Router {
  return new OpenAPIHono<ApiEnv>()
}

/** A route by its contract. `path` is in OpenAPI's spelling: `/v1/jobs/{id}`. */
export interface Route<Params extends z.ZodObject, Query extends z.ZodObject, Headers extends z.ZodObject> {
  readonly method: 'get' | 'post' | 'delete'
  readonly path: string
  readonly summary: string
  readonly description?: string
  readonly tag: string
  readonly params?: Params
  readonly query?: Query
  readonly headers?: Headers
  /** For the document; handlers read bodies themselves, as streams. */
  readonly body?: Record<string, { schema: z.ZodType | { type: 'string' | 'object'; format?: string } }>
  /** Answers that are not problems. */
  readonly responses: RouteConfig['responses']
}

export interface CheckedRequest<Params, Query, Headers> {
  readonly context: ApiContext
  readonly params: Params
  readonly query: Query
  readonly headers: Headers
}

/**
 * Adds a route to the router and to the OpenAPI document. Parameters, query and headers are checked; what does not fit is refused as
 * `invalid_request`, with the nearest name for one that is unknown.
 */
export function addRoute<
  Params extends z.ZodObject = typeof nothing,
  Query extends z.ZodObject = typeof nothing,
  Headers extends z.ZodObject = typeof nothing,
>(
  router: Router,
  route: Route<Params, Query, Headers>,
  handle: (request: CheckedRequest<z.output<Params>, z.output<Query>, z.output<Headers>>) => Promise<Response> | Response,
): void {
  const { method, path, summary, description, tag, params, query, headers, body } = route
  router.openAPIRegistry.registerPath({
    method,
    path,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    operationId: operationId(method, path),
    request: {
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body: { content: body } }),
    },
    responses: { ...route.responses, default: problemAnswer },
  })
  router.on(method.toUpperCase(), path.replace(/\{(\w+)\}/g, ':$1'), async (context) => {
    const given = { params: context.req.param(), query: queryOf(context) }
    refuseUnstorable(given)
    return handle({
      context,
      params: check(params ?? nothing, given.params, 'path'),
      query: check(query ?? emptyQuery, given.query, 'query'),
      headers: check(headers ?? nothing, context.req.header(), 'headers'),
    } as CheckedRequest<z.output<Params>, z.output<Query>, z.output<Headers>>)
  })
}

/** Postgres refuses such texts with an error of its own. No job has such an id. */
function refuseUnstorable({ params, query }: { params: Record<string, string>; query: Record<string, string | string[]> }): void {
  if (!Object.values(params).every(isStorable)) {
    throw new BatchwrightError('job_not_found', 'there is no such job: the id has a character that no id has')
  }
  const errors = findUnstorable(query)
  if (errors.length > 0) throw new BatchwrightError('invalid_request', `query: ${joinIssues(errors)}`, { details: { errors } })
}

export function jsonAnswer(schema: z.ZodType, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

/** Throws `invalid_request` that names every field at fault. */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string): z.output<Schema> {
  const checked = schema.safeParse(value)
  if (checked.success) return checked.data
  const errors = describeSchemaIssues(schema, checked.error, value)
  throw new BatchwrightError('invalid_request', `${where}: ${joinIssues(errors)}`, { details: { errors } })
}

const nothing = z.object({})
const emptyQuery = z.strictObject({})

const problemAnswer = {
  description: 'Anything else: what is wrong, and what to do.',
  content: { 'application/problem+json': { schema: problemSchema } },
}

/** A parameter that is given once is a string, one that is repeated an array. */
function queryOf(context: ApiContext): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(context.req.queries()).map(([name, values]) => [name, values.length === 1 ? (values[0] as string) : values]),
  )
}

/** `post /v1/jobs/{id}/cancel` as `postJobsCancel`. */
function operationId(method: string, path: string): string {
  const words = path.split('/').filter((part) => part !== '' && part !== 'v1')
  return (
    method +
    words.map((word) => (word.startsWith('{') ? `By${capital(word.slice(1, -1))}` : capital(word.replace(/\W/g, '')))).join('')
  )
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
