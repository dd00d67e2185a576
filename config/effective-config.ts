import { valueAt } from '../core/json-path.ts'
import { urlWithoutSecrets } from '../core/url-without-secrets.ts'
import { formatKey, listConfigKeys, type ConfigKey } from './config-keys.ts'
import { readConfigFile } from './config-file.ts'
import { loadConfig, type Config, type ConfigOptions } from './config.ts'
import { environmentSchema, readEnvironment, type KnownEnvironment } from './environment.ts'
import { variablesOf, type ProviderConfig } from './provider-config.ts'

/** One setting as it holds, and why. */
export interface Setting {
  /** A key of `batchwright.yaml`, or the name of a variable that has none. */
  readonly key: string
  /** Of a secret only `set` or `not set`. Null: nothing; `otherwise` says what holds then. */
  readonly value: unknown
  readonly source: 'file' | 'environment' | 'default'
  /** With source `environment`: which one. */
  readonly variable: string | null
  readonly otherwise: string | null
}

/** The whole configuration as a process that starts here would have it. Throws as `loadConfig` does. */
export function describeConfig(options: ConfigOptions = {}): { file: string | null; settings: Setting[] } {
  const config = loadConfig(options)
  const variables = options.environment ?? process.env
  const environment = readEnvironment(variables)
  const file = readConfigFile({
    path: options.file ?? environment.BATCHWRIGHT_CONFIG,
    directory: options.directory ?? process.cwd(),
    environment: variables,
  })
  const settings = listConfigKeys().filter(({ path }) => path[0] !== 'providers' && path[0] !== 'models')
  const providerKeys = listConfigKeys().filter(({ path }) => path[0] === 'providers')
  return {
    file: file.path,
    settings: [
      ...config.providers.flatMap((provider) =>
        providerKeys.map((key) => providerSetting(provider, key, file.given, environment)),
      ),
      ...settings.map((key) => fileSetting(key, key.path, file.given, environment)),
      ...modelSettings(config, file.given),
      ...environmentSettings(environment),
    ],
  }
}

function fileSetting(key: ConfigKey, path: readonly string[], given: unknown, environment: KnownEnvironment): Setting {
  const inFile = valueAt(given, path)
  const inEnvironment = key.variable === null ? undefined : environment[key.variable as keyof KnownEnvironment]
  const value = inEnvironment ?? inFile ?? key.defaultValue ?? null
  return {
    key: formatKey(path),
    value: shown(key, value),
    source: inEnvironment !== undefined ? 'environment' : inFile !== undefined ? 'file' : 'default',
    variable: inEnvironment === undefined ? null : key.variable,
    otherwise: value === null ? plain(key.otherwise) : null,
  }
}

/** A provider's key and address have their own order: being simulated wins over the file, and that over the environment. */
function providerSetting(provider: ProviderConfig, key: ConfigKey, given: unknown, environment: KnownEnvironment): Setting {
  const path = key.path.map((part) => (part === '<name>' ? provider.name : part))
  const name = path.at(-1)
  if (name === 'kind') {
    const setting = fileSetting(key, path, given, environment)
    return { ...setting, value: provider.kind, otherwise: null }
  }
  if (path.length !== 3 || (name !== 'api_key' && name !== 'base_url')) return fileSetting(key, path, given, environment)
  const setting = { key: formatKey(path), otherwise: null }
  if (provider.simulated) {
    const value = name === 'api_key' ? 'set' : provider.baseUrl
    return { ...setting, value, source: 'environment', variable: 'BATCHWRIGHT_SIMULATE' }
  }
  const inFile = valueAt(given, path)
  if (inFile !== undefined) return { ...setting, value: shown(key, inFile), source: 'file', variable: null }
  const variable = variablesOf(provider)?.[name].find((one) => environment[one] !== undefined)
  if (variable !== undefined) return { ...setting, value: shown(key, environment[variable]), source: 'environment', variable }
  return { ...setting, value: shown(key, null), source: 'default', variable: null, otherwise: plain(key.otherwise) }
}

/** A row a model: its fields are many. */
function modelSettings({ models }: Config, given: unknown): Setting[] {
  return Object.entries(models).flatMap(([kind, entries]) =>
    Object.keys(entries).map((model) => ({
      key: `models.${kind}.${model}`,
      value: valueAt(given, ['models', kind, model]),
      source: 'file' as const,
      variable: null,
      otherwise: null,
    })),
  )
}

function environmentSettings(environment: KnownEnvironment): Setting[] {
  return Object.entries(environmentSchema.shape).flatMap(([name, schema]) => {
    const meta = (schema.meta() ?? {}) as { key?: string; secret?: boolean; default?: string; defaultValue?: unknown }
    // These are shown with the key of the file that they stand in for.
    if (meta.key !== undefined) return []
    const found = environment[name as keyof KnownEnvironment]
    const value = found ?? meta.defaultValue ?? null
    return [
      {
        key: name,
        value: meta.secret === true ? (found === undefined ? 'not set' : 'set') : value,
        source: found === undefined ? ('default' as const) : ('environment' as const),
        variable: found === undefined ? null : name,
        otherwise: value === null ? plain(meta.default ?? 'none') : null,
      },
    ]
  })
}

function shown({ isSecret, type }: ConfigKey, value: unknown): unknown {
  if (isSecret) return value === null || value === undefined ? 'not set' : 'set'
  return type === 'URL' && typeof value === 'string' ? urlWithoutSecrets(value) : value
}

/** The schema's words are Markdown. */
function plain(text: string): string {
  return text.replaceAll('`', '')
}
