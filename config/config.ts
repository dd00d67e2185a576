import { parseDurationMs } from '../core/durations.ts'
import { BatchwrightError } from '../core/errors.ts'
import type { JobSpec } from '../core/job-spec.ts'
import { didYouMean } from '../core/nearest-name.ts'
import type { UserModels } from '../models/model-file.ts'
import { invalidConfig, readConfigFile } from './config-file.ts'
import { logLevels } from './config-schema.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { type ProviderConfig, resolveProviders } from './provider-config.ts'
import { Secret } from './secret.ts'

export type { Environment } from './environment.ts'
export type { ProviderConfig } from './provider-config.ts'
export { keyVariable } from './provider-config.ts'
export { Secret } from './secret.ts'

export type LogLevel = (typeof logLevels)[number]

/** Everything that is configured, checked; read once at start. Secrets stay wrapped, so that printing it shows none. */
export interface Config {
  /** The file that was read, or null. */
  readonly file: string | null
  /** Wrapped, because it holds a password. Null: DATABASE_URL is not set. */
  readonly databaseUrl: Secret | null
  readonly temporal: {
    readonly address: string
    readonly namespace: string
    readonly apiKey: Secret | null
    /** Where people find its Web UI. */
    readonly uiUrl: string | null
  }
  readonly api: {
    readonly host: string
    readonly port: number
    /** Asked of every caller when set. */
    readonly key: Secret | null
  }
  /** Where clients look for the API. */
  readonly url: string | null
  readonly logLevel: LogLevel
  readonly providers: readonly ProviderConfig[]
  readonly polling: JobSpec['polling']
  readonly retry: JobSpec['retry']
  readonly submission: { readonly settleAfterMs: number; readonly sendWindowMs: number }
  readonly defaults: {
    readonly provider: string | null
    readonly model: string | null
    readonly maxTokens: number | null
    readonly temperature: number | null
  }
  /** What the catalogue lacks, or has otherwise. */
  readonly models: UserModels
  readonly webhook: { readonly url: string; readonly secret: Secret | null } | null
  readonly maxInputBytes: number
  /** Of RE2. */
  readonly redactionPatterns: readonly string[]
  readonly retention: {
    /** Null: for ever. */
    readonly keepJobsMs: number | null
    readonly keepDraftsMs: number
  }
}

export interface ConfigOptions {
  /** `--config`; wins over BATCHWRIGHT_CONFIG. */
  readonly file?: string | undefined
  readonly environment?: Environment
  readonly directory?: string
}

/** Throws `invalid_config` or `invalid_environment`, on one line that names what to change. */
export function loadConfig(options: ConfigOptions = {}): Config {
  const variables = options.environment ?? process.env
  const environment = readEnvironment(variables)
  const file = readConfigFile({
    path: options.file ?? environment.BATCHWRIGHT_CONFIG,
    directory: options.directory ?? process.cwd(),
    environment: variables,
  })
  const { content } = file
  const providers = resolveProviders(file, environment)
  checkDefaultProvider(file.path, content.defaults.provider, providers)
  return {
    file: file.path,
    databaseUrl: secret(environment.DATABASE_URL),
    temporal: {
      address: environment.TEMPORAL_ADDRESS ?? '127.0.0.1:7233',
      namespace: environment.TEMPORAL_NAMESPACE ?? 'default',
      apiKey: secret(environment.TEMPORAL_API_KEY),
      uiUrl: environment.BATCHWRIGHT_TEMPORAL_UI_URL ?? null,
    },
    api: {
      host: environment.HOST ?? '127.0.0.1',
      port: Number(environment.PORT ?? 8787),
      key: secret(environment.BATCHWRIGHT_API_KEY),
    },
    url: environment.BATCHWRIGHT_URL ?? null,
    logLevel: logLevel(environment.LOG_LEVEL) ?? content.log.level ?? 'info',
    providers,
    polling: content.polling,
    retry: content.retry,
    submission: {
      settleAfterMs: parseDurationMs(content.submission.settle_after),
      sendWindowMs: parseDurationMs(content.submission.send_window),
    },
    defaults: {
      provider: content.defaults.provider ?? null,
      model: content.defaults.model ?? null,
      maxTokens: content.defaults.max_tokens ?? null,
      temperature: content.defaults.temperature ?? null,
    },
    models: content.models,
    webhook: content.webhooks === undefined ? null : { url: content.webhooks.url, secret: secret(content.webhooks.secret) },
    maxInputBytes: content.max_input_bytes,
    redactionPatterns: content.redaction.patterns,
    retention: {
      keepJobsMs: content.retention.jobs === undefined ? null : parseDurationMs(content.retention.jobs),
      keepDraftsMs: parseDurationMs(content.retention.drafts),
    },
  }
}

/** For a process that calls no provider: which ones are configured is kept, their keys are not. */
export function withoutProviderKeys(config: Config): Config {
  return { ...config, providers: config.providers.map((provider) => ({ ...provider, apiKey: null })) }
}

/** Throws `database_url_missing`. */
export function requireDatabaseUrl(config: Config): string {
  if (config.databaseUrl === null) {
    throw new BatchwrightError(
      'database_url_missing',
      'DATABASE_URL is not set: give the address of a Postgres, or start everything with `batchwright up`',
    )
  }
  return config.databaseUrl.reveal()
}

function checkDefaultProvider(path: string | null, name: string | undefined, providers: readonly ProviderConfig[]): void {
  const names = providers.map((provider) => provider.name)
  if (name === undefined || names.includes(name)) return
  throw invalidConfig(path ?? 'batchwright.yaml', [
    { field: 'defaults.provider', reason: `there is no provider "${name}"${didYouMean(name, names)}` },
  ])
}

function logLevel(text: string | undefined): LogLevel | undefined {
  if (text === undefined) return undefined
  const level = logLevels.find((known) => known === text.toLowerCase())
  if (level !== undefined) return level
  throw new BatchwrightError(
    'invalid_environment',
    `LOG_LEVEL "${text}" is unknown${didYouMean(text, logLevels)}: ${logLevels.join(', ')}`,
  )
}

function secret(value: string | undefined): Secret | null {
  return value === undefined ? null : new Secret(value)
}
