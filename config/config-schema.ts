import { z } from 'zod'
import { formatDuration } from '../core/durations.ts'
import {
  defaultPolling,
  defaultRetry,
  durationSchema,
  pollingSchema,
  positiveDurationSchema,
  retrySchema,
} from '../core/job-spec.ts'
import { whyNoPattern } from './redactor.ts'
import { userModelsSchema } from '../models/model-file.ts'

/*
 * `batchwright.yaml`. What `.meta()` says of a key is its documentation (`docs/config.md` is made of it) and what `batchwright config` shows:
 * - `defaultValue`: what holds without the key, where the schema has no default of its own; `default`: the same in words.
 * - `defaults`: of an object that is used in several places, those of its keys in this one.
 * - `variable`: the environment variable that wins over it.
 * - `secret`: never shown.
 * - `keyName`: of a map, what its keys are.
 */

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const positiveInteger = z.int().positive()

const pollingDefaults = {
  initial: { defaultValue: formatDuration(defaultPolling.initialMs) },
  max: { defaultValue: formatDuration(defaultPolling.maxMs) },
  growth: { defaultValue: defaultPolling.growth },
}
const retryDefaults = {
  max_rounds: { defaultValue: defaultRetry.maxRounds },
  backoff: { defaultValue: formatDuration(defaultRetry.backoffMs) },
}
const pollingOfAll = {
  initial: { default: 'that of all; simulated: 250ms' },
  max: { default: 'that of all; simulated: 10s' },
  growth: { default: 'that of all' },
}
const retryOfAll = { max_rounds: { default: 'that of all' }, backoff: { default: 'that of all; simulated: 1s' } }

/** `fetch` takes no address with a user in it, and says so with the password in its message. */
export function hasNoUser(url: string): boolean {
  return !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === '')
}
export const userInUrl = 'must not have a user or password in it'

const webUrl = z
  .url({ protocol: /^https?$/, error: 'is not a URL that starts with http:// or https://' })
  .refine(hasNoUser, userInUrl)

/** One entry of `providers`. */
export const providerFileSchema = z.strictObject({
  kind: z
    .string()
    .optional()
    .meta({
      description: 'The protocol that it speaks: `openai`, `anthropic` or `gemini`.',
      default: 'its name, if that is one of them',
      examples: ['openai'],
    }),
  api_key: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        'Its key. From the environment if absent: `OPENAI_API_KEY` for `openai`, `ANTHROPIC_API_KEY` for `anthropic`, `GEMINI_API_KEY` or else `GOOGLE_API_KEY` for `gemini`. Without one it is unconfigured, and its jobs are refused.',
      default: 'none',
      secret: true,
      examples: ['${MY_ENDPOINT_KEY}'],
    }),
  base_url: webUrl.optional().meta({
    description:
      'Another address; required for a name of your own. With its `/v1` for `kind: openai`, without for the others. From the environment if absent: `OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL`, `GOOGLE_GEMINI_BASE_URL`.',
    default: "the provider's own",
    examples: ['https://llm.example.com/v1'],
  }),
  enabled: z
    .boolean()
    .default(true)
    .meta({ description: '`false`: as if it were not there.', examples: [false] }),
  batch: z
    .boolean()
    .default(true)
    .meta({
      description:
        'Whether it has the batch endpoints of its kind: not every server that speaks a protocol speaks all of it. `false`: jobs for it are refused.',
      examples: [false],
    }),
  max_in_flight_batches: positiveInteger
    .default(50)
    .meta({ description: 'Batches of all jobs that may be at the provider at once.', examples: [20] }),
  enqueued_tokens: z
    .record(z.string(), positiveInteger)
    .default({})
    .meta({
      description:
        "By model: the tokens that may be enqueued at once, as the provider's limits page says for your account. Without it they are not counted.",
      keyName: '<model>',
      examples: [{ 'gpt-5-mini': 40_000_000 }],
    }),
  max_batch_requests: positiveInteger
    .optional()
    .meta({ description: 'Requests in a batch at most.', default: "the provider's own limit", examples: [10_000] }),
  max_batch_bytes: positiveInteger
    .optional()
    .meta({ description: 'Size of a batch at most.', default: "the provider's own limit", examples: [50_000_000] }),
  polling: pollingSchema.optional().meta({ defaults: pollingOfAll }),
  retry: retrySchema.optional().meta({ defaults: retryOfAll }),
})

export const configFileSchema = z.strictObject({
  providers: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'Use a name of small letters, digits and dashes'), providerFileSchema)
    .default({})
    .meta({ keyName: '<name>' }),
  polling: pollingSchema.optional().meta({ defaults: pollingDefaults }),
  retry: retrySchema.optional().meta({ defaults: retryDefaults }),
  submission: z
    .strictObject({
      settle_after: durationSchema.default('2m').meta({
        description: 'How long after its deadline a submission of unknown fate is looked for before anybody decides.',
        examples: ['5m'],
      }),
      send_window: positiveDurationSchema
        .default('60s')
        .meta({ description: 'How long one create call may take.', examples: ['2m'] }),
    })
    .prefault({}),
  defaults: z
    .strictObject({
      provider: z
        .string()
        .min(1)
        .optional()
        .meta({
          description: 'Provider of a job that does not say.',
          default: 'the only one that is configured, if it is one',
          examples: ['openai'],
        }),
      model: z
        .string()
        .min(1)
        .optional()
        .meta({
          description: 'Model of a job that does not say; it belongs to the default provider.',
          default: 'none',
          examples: ['gpt-5-mini'],
        }),
      max_tokens: positiveInteger
        .optional()
        .meta({ description: 'Of an answer, where neither job nor item say.', default: 'none', examples: [2000] }),
      temperature: z
        .number()
        .min(0)
        .max(2)
        .optional()
        .meta({ description: 'From 0 to 2, where neither job nor item say.', default: 'none', examples: [0.2] }),
    })
    .prefault({}),
  models: userModelsSchema.default({}),
  webhooks: z
    .strictObject({
      url: webUrl.meta({
        description: 'Gets one POST when a job ends.',
        default: 'none',
        examples: ['https://example.com/hooks/batchwright'],
      }),
      secret: z
        .string()
        .min(1)
        .optional()
        .meta({
          description: 'With it the POST is signed as [Standard Webhooks](https://www.standardwebhooks.com).',
          default: 'none',
          secret: true,
          examples: ['${BATCHWRIGHT_WEBHOOK_SECRET}'],
        }),
    })
    .optional(),
  max_input_bytes: positiveInteger
    .default(5 * 1024 ** 3)
    .meta({ description: 'Size of the largest upload.', examples: [1_073_741_824] }),
  redaction: z
    .strictObject({
      patterns: z
        .array(
          z
            .string()
            .min(1)
            .superRefine((pattern, context) => {
              const reason = whyNoPattern(pattern)
              if (reason !== null) context.addIssue(reason)
            }),
        )
        .default([])
        .meta({
          description:
            'Regular expressions ([RE2](https://github.com/google/re2/wiki/Syntax)). What they match becomes `[redacted]` in logs and in messages of errors, wherever those are stored or shown; prompts and answers stay. Keys and passwords of the configuration are redacted without.',
          examples: [['sk-[A-Za-z0-9_-]+']],
        }),
    })
    .prefault({}),
  retention: z
    .strictObject({
      jobs: positiveDurationSchema.optional().meta({
        description:
          'How long a job is kept after its end. Then the worker deletes it with its items, answers and history, as `batchwright delete` does; what it cost stays in the ledger.',
        default: 'for ever',
        examples: ['30d'],
      }),
      drafts: positiveDurationSchema.default('7d').meta({
        description: 'How long a draft is kept to which nobody adds anything.',
        examples: ['1d'],
      }),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(logLevels)
        .optional()
        .meta({
          description: 'How much API and worker log. `LOG_LEVEL` wins.',
          defaultValue: 'info',
          variable: 'LOG_LEVEL',
          examples: ['debug'],
        }),
    })
    .prefault({}),
})
export type ConfigFile = z.infer<typeof configFileSchema>
