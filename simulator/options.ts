import { z } from 'zod'
import { curves } from './completion-curve.ts'
import { durationMs } from './durations.ts'
import { parseFault } from './fault-text.ts'
import { httpFaultSchema, type HttpFaultRule } from './http-faults.ts'
import { itemFaultSchema, type ItemFaultRule } from './item-faults.ts'
import { quirksSchema, type Quirks } from './quirks.ts'
import { standardWebhookSecret } from './webhook-signature.ts'

const webhookUrl = z
  .url({ protocol: /^https?$/, error: 'is not an http address' })
  .nullable()
  .default(null)
const webhookSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/, 'is not whsec_ and base64')
  .default(standardWebhookSecret)

/** What may change while the simulator runs (`POST /_simulator/options`). Open batches follow the change. */
export const runtimeOptionsSchema = z.strictObject({
  /** OpenAI: at least this long in `validating`; longer if the file is big. Gemini: this long in `BATCH_STATE_PENDING`. */
  validating_ms: durationMs.default(0),
  /** How long a batch is `in_progress`. */
  duration_ms: durationMs.default(2000),
  /** OpenAI only. */
  finalizing_ms: durationMs.default(0),
  /** OpenAI says: up to 10 minutes. */
  cancelling_ms: durationMs.default(100),
  /** Created to expired, for new batches; unless given, or null: 24 hours, Gemini 48. */
  window_ms: durationMs.nullish(),
  /** Anthropic: created to archived, when the results are gone: 29 days. */
  archive_after_ms: durationMs.default(29 * 86_400_000),
  /** Gemini: how long an uploaded file is kept: 48 hours. */
  file_lifetime_ms: durationMs.default(48 * 3_600_000),
  /** How long the results of a batch are kept; unless given, or null: OpenAI 30 days, or what the create asks for if it is less, Gemini 6 weeks. */
  results_lifetime_ms: durationMs.nullish(),
  curve: z.enum(curves).default('linear'),
  /** Every realtime answer takes this long. */
  realtime_delay_ms: durationMs.default(0),
  /** Prompts that fail once with a 500 and then succeed: short for `item_faults: [{kind: 'transient', rate}]`. */
  fail_rate: z.coerce.number().min(0).max(1).default(0),
  item_faults: z.array(itemFaultSchema).default([]),
  quirks: quirksSchema.prefault({}),
  /** Enqueued input tokens per project and model; a batch above it fails with `token_limit_exceeded` (Gemini: its create, with a 429). */
  enqueued_token_limits: z.record(z.string(), z.coerce.number().int().positive()).default({}),
  /** The same for every model that isn't named above; null: no limit. OpenAI and Gemini. */
  enqueued_token_limit: z.coerce.number().int().positive().nullable().default(null),
  /** Anthropic: requests of a key that wait in batches; a batch above it is refused with a 429. Null: no limit. */
  queued_request_limit: z.coerce.number().int().positive().nullable().default(null),
  /** Gemini: open batches of a key; a create above it is refused with a 429. Null: no limit. */
  concurrent_batch_limit: z.coerce.number().int().positive().nullable().default(100),
  /** OpenAI: batches that a key may create in an hour; a create above it is refused with a 429. Null: no limit. */
  batches_per_hour: z.coerce.number().int().positive().nullable().default(2000),
  /** Where a project's endpoint for the ends of batches is; null: there is none. Anthropic has no webhooks. */
  openai_webhook_url: webhookUrl,
  openai_webhook_secret: webhookSecret,
  gemini_webhook_url: webhookUrl,
  gemini_webhook_secret: webhookSecret,
  /** From the first attempt at a webhook that failed to the second; each further pause is twice as long. How long they really are is not documented. */
  webhook_pause_ms: durationMs.default(5000),
  /** From the end of a batch to the last attempt; unless given, or null: OpenAI 72 hours, Gemini 24. */
  webhook_retries_ms: durationMs.nullish(),
  /** Refuse models that are not in the simulator's price table, as a provider refuses a misspelt name. */
  refuse_unknown_models: z.boolean().default(false),
  /** Refuse parameters that a model doesn't take, as the providers do. */
  strict_parameters: z.boolean().default(true),
  /** What a batch may have; the provider's own limits unless given, or null: OpenAI 50,000 and 200 MB, Anthropic 100,000 and 256 MB, Gemini any number and 2 GB. */
  max_requests: z.coerce.number().int().positive().nullish(),
  max_batch_bytes: z.coerce.number().int().positive().nullish(),
})

export const simulatorOptionsSchema = z.strictObject({
  ...runtimeOptionsSchema.shape,
  /** 0: any free port. Only 127.0.0.1 is listened on. */
  port: z.coerce.number().int().min(0).max(65_535).default(0),
  /** Where state survives a kill -9; without it a temporary directory, removed on close. */
  data_dir: z.string().min(1).optional(),
  /** The same seed picks the same prompts for faults, and the same order of lines. */
  seed: z.coerce.number().int().default(1),
  /** Faults of any kind, as text (see `parseFault`) or HTTP fault rules as objects. */
  faults: z.array(z.union([z.string(), httpFaultSchema])).default([]),
})

/** What a caller gives; everything has a default. */
export type SimulatorOptions = z.input<typeof simulatorOptionsSchema>
export type ResolvedOptions = z.output<typeof simulatorOptionsSchema>
export type RuntimeOptions = z.output<typeof runtimeOptionsSchema>

export interface ResolvedFaults {
  readonly options: ResolvedOptions
  readonly httpFaults: readonly HttpFaultRule[]
}

/** Checks options and sorts `faults` into HTTP rules, item faults and quirks. Throws a ZodError, or an Error from `parseFault`. */
export function resolveOptions(input: SimulatorOptions): ResolvedFaults {
  const options = simulatorOptionsSchema.parse(input)
  const httpFaults: HttpFaultRule[] = []
  const itemFaults: ItemFaultRule[] = [...options.item_faults]
  const quirks: Record<string, unknown> = { ...options.quirks }
  for (const fault of options.faults) {
    if (typeof fault !== 'string') {
      httpFaults.push(fault)
      continue
    }
    const parsed = parseFault(fault)
    switch (parsed.type) {
      case 'http':
        httpFaults.push(parsed.rule)
        break
      case 'item':
        itemFaults.push(parsed.rule)
        break
      case 'quirk':
        quirks[parsed.name] = parsed.value
        break
    }
  }
  return { options: { ...options, item_faults: itemFaults, quirks: quirksSchema.parse(quirks) }, httpFaults }
}

/** The options as they are now. Changed only by `changeOptions`. */
export interface LiveOptions {
  readonly seed: number
  current: RuntimeOptions
}

/** Applies a part of the options; what isn't named stays. Throws a ZodError and changes nothing when the patch is wrong. */
export function changeOptions(live: LiveOptions, patch: unknown): RuntimeOptions {
  if (patch === null || typeof patch !== 'object') throw new TypeError('options: send a JSON object')
  const given = z.looseObject({ quirks: z.record(z.string(), z.unknown()).optional() }).parse(patch)
  const quirks: Quirks = quirksSchema.parse({ ...live.current.quirks, ...given.quirks })
  live.current = runtimeOptionsSchema.parse({ ...live.current, ...given, quirks })
  return live.current
}

/** The item faults in force, `fail_rate` included. */
export function itemFaultRules(options: RuntimeOptions): readonly ItemFaultRule[] {
  if (options.fail_rate === 0) return options.item_faults
  return [...options.item_faults, { kind: 'transient', rate: options.fail_rate, first_attempts: 1 }]
}
