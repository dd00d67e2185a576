import { z } from 'zod'
import { priorities } from './admission.ts'
import { parseDurationMs } from './durations.ts'
import type { JsonObject } from './json.ts'
import type { PollingPolicy } from './poll-cadence.ts'

/** A duration as users write it (`500ms 15s 10m 24h`), kept as written. */
export const durationSchema = durationFrom(0)
/** One that is no time at all would be a loop without a pause, or a call that may never be made. */
export const positiveDurationSchema = durationFrom(1)

function durationFrom(leastMs: number) {
  return z.string().superRefine((text, context) => {
    try {
      if (parseDurationMs(text) < leastMs) context.addIssue('must be longer: no time at all is not enough')
    } catch {
      context.addIssue('is not a duration: write it like 500ms, 15s, 10m or 1h30m')
    }
  })
}

export const pollingSchema = z.strictObject({
  initial: positiveDurationSchema.optional().meta({ description: 'First and shortest wait between polls.', examples: ['15s'] }),
  max: positiveDurationSchema.optional().meta({ description: 'Longest wait between polls.', examples: ['20m'] }),
  growth: z
    .number()
    .gt(1)
    .max(10)
    .optional()
    .meta({ description: "Above 1, at most 10: with 1.06, waits are 6 % of the batch's age.", examples: [1.06] }),
})

export const retrySchema = z.strictObject({
  max_rounds: z
    .number()
    .int()
    .min(1)
    .max(20)
    .optional()
    .meta({ description: 'How often an item is sent at most, 1 to 20.', examples: [3] }),
  backoff: durationSchema
    .optional()
    .meta({ description: 'Wait before round 2; doubles with each further round.', examples: ['60s'] }),
})

/** The endpoints that batches can call, in OpenAI's spelling; other providers have their own and take the same names for a job. */
export const endpoints = ['/v1/chat/completions', '/v1/responses', '/v1/embeddings'] as const
export type Endpoint = (typeof endpoints)[number]

export const prioritySchema = z.enum(Object.keys(priorities) as [keyof typeof priorities])

/** What a user asks for with a job: everything but its items. Field names are those of the API and of `--spec job.yaml`. */
export const jobSpecSchema = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  provider: z.string().min(1).optional(),
  /** Without one, the configured default, or the model that native lines name. */
  model: z.string().min(1).optional(),
  /** Where neutral lines go, and those of another provider; a provider's own lines name theirs. */
  endpoint: z.enum(endpoints).optional(),
  system: z.string().min(1).optional(),
  /** A template for CSV input: `{{column}}` is replaced. */
  prompt: z.string().min(1).optional(),
  /** A JSON Schema that every answer's `output` must fit. */
  schema: z
    .custom<JsonObject>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'must be a JSON Schema object',
    )
    .meta({ type: 'object' })
    .optional(),
  max_tokens: z.number().int().positive().optional(),
  temperature: z.number().min(0).max(2).optional(),
  tags: z.record(z.string().min(1).max(100), z.string().max(200)).optional(),
  priority: prioritySchema.optional(),
  polling: pollingSchema.optional(),
  retry: retrySchema.optional(),
  /** Models of the same provider that take the last rounds, one each, in order. */
  fallback_models: z.array(z.string().min(1)).max(5).optional(),
  /** Upper bounds below the provider's own. */
  limits: z
    .strictObject({
      max_batch_requests: z.number().int().positive().optional(),
      max_batch_bytes: z.number().int().positive().optional(),
    })
    .optional(),
  keep_provider_files: z.boolean().optional(),
  /** So many items go first, in a round of their own. The rest follows when at least `pass_rate` of them succeeded; else the job pauses. */
  canary: z.strictObject({ items: z.number().int().positive(), pass_rate: z.number().min(0).max(1).optional() }).optional(),
  /** When more of the items that have ended failed than this part, the job pauses. */
  max_failure_rate: z.number().min(0).max(1).optional(),
  /** Only so many items, from the beginning of the input. */
  limit: z.number().int().positive().optional(),
  /** Lines that can't be taken are left out and kept as `rejects`; without it one of them refuses the job. */
  skip_invalid: z.boolean().optional(),
})
export type JobSpec = z.infer<typeof jobSpecSchema>

/** Where a canary names none. */
export const defaultPassRate = 0.9
/** With fewer ends than this no failure rate is taken for one. */
export const leastEndsForRate = 20

export const defaultPolling: PollingPolicy = { initialMs: 15_000, maxMs: 20 * 60_000, growth: 1.06 }

/** The polling policy of the first layer that sets a key: job, then provider, then the whole service, then the default. */
export function resolvePolling(...layers: ReadonlyArray<z.infer<typeof pollingSchema> | undefined>): PollingPolicy {
  const first = <Key extends 'initial' | 'max' | 'growth'>(key: Key) => layers.find((layer) => layer?.[key] !== undefined)?.[key]
  const [initial, max, growth] = [first('initial'), first('max'), first('growth')]
  const initialMs = initial === undefined ? defaultPolling.initialMs : parseDurationMs(initial)
  const maxMs = max === undefined ? defaultPolling.maxMs : parseDurationMs(max)
  return { initialMs: Math.min(initialMs, maxMs), maxMs, growth: growth ?? defaultPolling.growth }
}

export interface RetryPolicy {
  readonly maxRounds: number
  /** Before round 2; doubles with each further round. */
  readonly backoffMs: number
}

export const defaultRetry: RetryPolicy = { maxRounds: 3, backoffMs: 60_000 }

export function resolveRetry(...layers: ReadonlyArray<z.infer<typeof retrySchema> | undefined>): RetryPolicy {
  const maxRounds = layers.find((layer) => layer?.max_rounds !== undefined)?.max_rounds
  const backoff = layers.find((layer) => layer?.backoff !== undefined)?.backoff
  return {
    maxRounds: maxRounds ?? defaultRetry.maxRounds,
    backoffMs: backoff === undefined ? defaultRetry.backoffMs : parseDurationMs(backoff),
  }
}

/** How many rounds a job may take: each fallback model has a round of its own after the first. */
export function roundsAllowed(policy: RetryPolicy, fallbackModels: readonly string[]): number {
  return Math.max(policy.maxRounds, fallbackModels.length + 1)
}

/** The wait before a round, in milliseconds: none before the first. */
export function roundBackoffMs(policy: RetryPolicy, round: number): number {
  return round <= 1 ? 0 : policy.backoffMs * 2 ** Math.min(round - 2, 6)
}

/** The model that a round is sent to: fallback models take the last rounds, one each. */
export function modelOfRound(model: string, fallbackModels: readonly string[], round: number, maxRounds: number): string {
  const fromEnd = maxRounds - round
  return fallbackModels[fallbackModels.length - 1 - fromEnd] ?? model
}
