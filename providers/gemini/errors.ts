import { z } from 'zod'
import { needsPerson, statusName, type GeminiErrorBody } from '../../formats/gemini-error.ts'
import { readGeminiError } from '../../formats/gemini-answer.ts'
import { ProviderError, tokenLimitCode } from '../provider.ts'
import { createToProviderError, type SdkApiError, type ToProviderError } from '../sdk-errors.ts'

/* The SDK has one error for all, with the whole answer as its text, and lets the network's through as they are: these are told apart before they reach it. */

class AbortedError extends Error {}
class UnreachableError extends Error {}

/** An answer with an HTTP status that is none of success. */
export class AnsweredError extends Error {
  readonly status: number
  readonly headers: Headers
  /** The answer as it came. */
  readonly answer: unknown
  readonly error: GeminiErrorBody

  constructor(response: Response, answer: unknown) {
    const error = readGeminiError(answer)
    super(`HTTP ${response.status}${error.message === null ? '' : ` ${error.message.trim()}`}`)
    this.status = response.status
    this.answer = answer
    this.error = error
    this.headers = new Headers(response.headers)
    const waitMs = retryDelayMs(answer)
    if (waitMs !== null && !this.headers.has('retry-after')) this.headers.set('retry-after-ms', String(waitMs))
  }
}

/** A `fetch` whose failures are of the classes above. */
export function withTypedErrors(send: typeof fetch): typeof fetch {
  return async (url, init) => {
    let response: Response
    try {
      response = await send(url, init)
    } catch (error) {
      const { message } = error as Error
      if (init?.signal?.aborted === true) throw new AbortedError(message, { cause: error })
      throw new UnreachableError(message, { cause: error })
    }
    if (response.ok) return response
    throw new AnsweredError(response, await readAnswer(response))
  }
}

async function readAnswer(response: Response): Promise<unknown> {
  try {
    const answer: unknown = JSON.parse(await response.text())
    // Some answers are wrapped into an array, as those of a stream are.
    return Array.isArray(answer) ? answer[0] : answer
  } catch {
    return null
  }
}

const toBasicProviderError = createToProviderError({
  aborted: AbortedError,
  connection: UnreachableError,
  api: AnsweredError,
  codeOf,
  isBilling: (error) => error instanceof AnsweredError && needsPerson(error.error) && !isGoneFile(error),
})

/** What the SDK's transport threw, in the terms of the interface. */
export const toProviderError: ToProviderError = (error, call, options) => {
  const failure = toBasicProviderError(error, call, options)
  if (!(error instanceof AnsweredError) || !isGoneFile(error)) return failure
  const { httpStatus, code, certainlyNotApplied, cause } = failure
  return new ProviderError(failure.message, { kind: 'not_found', httpStatus, code, certainlyNotApplied, cause })
}

function codeOf(error: SdkApiError): string | null {
  if (!(error instanceof AnsweredError)) return null
  // The code by which a full queue is known here.
  if (error.status === 429 && isQueueFull(error)) return tokenLimitCode
  return error.error.reason ?? statusName(error.error)
}

/**
 * A file that is gone, or was never there, is refused like somebody else's: "You do not have permission to access the File … or it may not exist."
 */
function isGoneFile({ status, error }: AnsweredError): boolean {
  return status === 403 && /may not exist/i.test(error.message ?? '')
}

const quotaFailure = z.object({
  error: z.object({
    details: z.array(
      z.object({
        violations: z.array(z.object({ quotaId: z.string().nullish(), quotaMetric: z.string().nullish() })).nullish(),
      }),
    ),
  }),
})

/** One 429 is for all: too many calls, or too much in the queue. Where a quota is named, its name tells. https://ai.google.dev/gemini-api/docs/rate-limits#batch-api */
function isQueueFull({ answer, error }: AnsweredError): boolean {
  const parsed = quotaFailure.safeParse(answer)
  const quotas = parsed.success ? parsed.data.error.details.flatMap(({ violations }) => violations ?? []) : []
  const names = quotas.map(({ quotaId, quotaMetric }) => `${quotaId ?? ''} ${quotaMetric ?? ''}`)
  return [...names, error.message ?? ''].some((text) => /enqueued|concurrent ?batch|batch[\w ]*token/i.test(text))
}

const retryInfo = z.object({ error: z.object({ details: z.array(z.object({ retryDelay: z.string().nullish() })) }) })

/** `retryDelay: "34.07s"` of a RetryInfo, in milliseconds. https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto */
function retryDelayMs(answer: unknown): number | null {
  const parsed = retryInfo.safeParse(answer)
  const delay = parsed.success ? parsed.data.error.details.find(({ retryDelay }) => retryDelay != null)?.retryDelay : undefined
  const seconds = Number(/^([\d.]+)s$/.exec(delay ?? '')?.[1] ?? Number.NaN)
  return Number.isFinite(seconds) ? Math.ceil(seconds * 1000) : null
}
