import { BatchwrightError, describeError } from '../core/errors.ts'
import { sqlState } from '../db/database.ts'
import type { Problem } from './contracts/problems.ts'

/** HTTP statuses by code; a code that is not here is a fault of ours. */
const statuses: Readonly<Record<string, number>> = {
  invalid_request: 400,
  invalid_json: 400,
  upload_broken: 400,
  unauthorized: 401,
  host_not_allowed: 403,
  origin_not_allowed: 403,
  route_not_found: 404,
  job_not_found: 404,
  item_not_found: 404,
  method_not_allowed: 405,
  upload_in_progress: 409,
  job_exists: 409,
  job_is_draft: 409,
  job_not_draft: 409,
  part_out_of_order: 409,
  part_differs: 409,
  parts_missing: 409,
  job_deleted: 409,
  job_not_finished: 409,
  job_finished: 409,
  job_finalizing: 409,
  job_already_cancelled: 409,
  job_already_cancelling: 409,
  job_already_paused: 409,
  job_not_paused: 409,
  nothing_to_poll: 409,
  nothing_to_retry: 409,
  body_too_large: 413,
  input_too_large: 413,
  unsupported_media_type: 415,
  empty_input: 422,
  invalid_input: 422,
  invalid_csv_header: 422,
  unknown_column: 422,
  invalid_schema: 422,
  unknown_provider: 422,
  unknown_model: 422,
  provider_unconfigured: 422,
  provider_without_batches: 422,
  idempotency_key_reused: 422,
  internal: 500,
  upload_lost: 503,
  database_unavailable: 503,
  database_not_migrated: 503,
  temporal_unavailable: 503,
}

/** The same whatever went wrong: the error's own text may hold SQL, paths or somebody's data. */
const internalProblem: Problem = {
  type: 'urn:batchwright:problem:internal',
  title: 'Internal',
  status: 500,
  code: 'internal',
  detail: 'something went wrong on our side; the log of the API says what',
}

/** What a person and a program get to know of an error. Causes and stacks stay in the log. */
export function problemOf(error: unknown): Problem {
  const known = knownError(error)
  const status = statuses[known.code]
  if (status === undefined || known.code === 'internal') return internalProblem
  return {
    type: `urn:batchwright:problem:${known.code}`,
    title: titleOf(known.code),
    status,
    code: known.code,
    detail: known.message,
    ...known.details,
  }
}

export function problemResponse(error: unknown, headers: Record<string, string> = {}): Response {
  const problem = problemOf(error)
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      ...(problem.status === 503 ? { 'retry-after': '5' } : {}),
      ...headers,
    },
  })
}

function knownError(error: unknown): BatchwrightError {
  if (error instanceof BatchwrightError) return error
  if (sqlState(error) === undefinedTable) {
    return new BatchwrightError('database_not_migrated', 'the database has no tables of ours: run `batchwright migrate`', {
      cause: error,
    })
  }
  if (isDatabaseUnreachable(error)) {
    return new BatchwrightError(
      'database_unavailable',
      'Postgres can not be reached: is it running, and is DATABASE_URL right?',
      { cause: error },
    )
  }
  return new BatchwrightError('internal', describeError(error), { cause: error })
}

const undefinedTable = '42P01'

const connectionCodes = [
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  // It is shutting down, or starting.
  '57P01',
  '57P02',
  '57P03',
]

function isDatabaseUnreachable(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && connectionCodes.includes(cause.code)) return true
  }
  return false
}

function titleOf(code: string): string {
  const words = code.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
