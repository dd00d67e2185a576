import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, YAMLParseError } from 'yaml'
import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'
import { formatPath } from '../core/json-path.ts'
import { durationSchema, pollingSchema, retrySchema } from '../core/job-spec.ts'
import type { Environment } from './environment.ts'
import { describeSchemaIssues, joinIssues } from './schema-issues.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const positiveInteger = z.int().positive()

/** One entry of `providers`. */
export const providerFileSchema = z.strictObject({
  /** Which protocol it speaks; its own name when that is one of the known kinds. */
  kind: z.string().optional(),
  api_key: z.string().min(1).optional(),
  base_url: z.url({ protocol: /^https?$/ }).optional(),
  enabled: z.boolean().default(true),
  /** Whether it has the batch endpoints of its kind: not every server that speaks a protocol speaks all of it. */
  batch: z.boolean().default(true),
  /** Batches of all jobs that may be at the provider at once. */
  max_in_flight_batches: positiveInteger.default(50),
  /** By model: the tokens that may be enqueued at once, as the provider's limits page says for your account. */
  enqueued_tokens: z.record(z.string(), positiveInteger).default({}),
  max_batch_requests: positiveInteger.optional(),
  max_batch_bytes: positiveInteger.optional(),
  polling: pollingSchema.optional(),
  retry: retrySchema.optional(),
})

/** `batchwright.yaml`. */
export const configFileSchema = z.strictObject({
  providers: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'Use a name of small letters, digits and dashes'), providerFileSchema)
    .default({}),
  polling: pollingSchema.optional(),
  retry: retrySchema.optional(),
  submission: z
    .strictObject({
      /** How long after its deadline a submission of unknown fate is looked for before anybody decides. */
      settle_after: durationSchema.default('2m'),
      /** How long one create call may take. */
      send_window: durationSchema.default('60s'),
    })
    .prefault({}),
  /** What a job gets that does not say. */
  defaults: z
    .strictObject({
      provider: z.string().min(1).optional(),
      model: z.string().min(1).optional(),
      max_tokens: positiveInteger.optional(),
      temperature: z.number().min(0).max(2).optional(),
    })
    .prefault({}),
  /** Models that the catalog lacks, by provider kind, in its own shape; the catalog checks them. */
  models: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  /** One POST at the end of each job, signed as Standard Webhooks. */
  webhooks: z.strictObject({ url: z.url({ protocol: /^https?$/ }), secret: z.string().min(1).optional() }).optional(),
  max_input_bytes: positiveInteger.default(5 * 1024 ** 3),
  log: z.strictObject({ level: z.enum(logLevels).optional() }).prefault({}),
})
export type ConfigFile = z.infer<typeof configFileSchema>

const defaultFileName = 'batchwright.yaml'

/**
 * Reads the configuration file: the one that is named, else `batchwright.yaml` in the working directory, else none. Throws `invalid_config`
 * with every fault on one line.
 */
export function readConfigFile(options: { path: string | undefined; directory: string; environment: Environment }): {
  path: string | null
  content: ConfigFile
} {
  const path = options.path ?? join(options.directory, defaultFileName)
  const text = readText(path, options.path !== undefined)
  if (text === null) return { path: null, content: configFileSchema.parse({}) }
  const value = expandVariables(parseYaml(text, path), options.environment, path, [])
  const checked = configFileSchema.safeParse(value ?? {})
  if (!checked.success) throw invalidConfig(path, joinIssues(describeSchemaIssues(configFileSchema, checked.error, value)))
  return { path, content: checked.data }
}

export function invalidConfig(path: string, reason: string, cause?: unknown): BatchwrightError {
  return new BatchwrightError('invalid_config', `${path}: ${reason}`, cause === undefined ? {} : { cause })
}

function readText(path: string, isRequired: boolean): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw invalidConfig(path, 'can not be read', error)
    if (isRequired) throw invalidConfig(path, 'there is no such file', error)
    return null
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    // The first line of its message; the rest shows the file's text, in which there may be a key.
    throw invalidConfig(path, `is not YAML: ${error.message.split('\n', 1)[0]?.replace(/:$/, '')}`)
  }
}

/** Puts the environment's value in the place of each `${NAME}`. Done after parsing, so that a value can't be taken for YAML. */
function expandVariables(value: unknown, environment: Environment, path: string, keys: PropertyKey[]): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      const found = environment[name]
      if (found === undefined || found === '')
        throw invalidConfig(path, `${formatPath(keys)}: the environment variable ${name} is not set`)
      return found
    })
  }
  if (Array.isArray(value)) return value.map((entry, index) => expandVariables(entry, environment, path, [...keys, index]))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, expandVariables(entry, environment, path, [...keys, key])]),
  )
}
