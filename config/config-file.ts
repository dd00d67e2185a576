import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, YAMLParseError } from 'yaml'
import { BatchwrightError } from '../core/errors.ts'
import { formatPath } from '../core/json-path.ts'
import { configFileSchema, type ConfigFile } from './config-schema.ts'
import type { Environment } from './environment.ts'
import { describeSchemaIssues, joinIssues, type SchemaIssue } from './schema-issues.ts'

const defaultFileName = 'batchwright.yaml'

export interface ReadConfigFile {
  /** Null: there is no file, and everything has its default. */
  readonly path: string | null
  readonly content: ConfigFile
  /** What the file itself says, without defaults. */
  readonly given: unknown
}

/**
 * Reads the configuration file: the one that is named, else `batchwright.yaml` in the working directory, else none. Throws `invalid_config`
 * with every fault on one line, and one by one in `details.errors`.
 */
export function readConfigFile(options: {
  path: string | undefined
  directory: string
  environment: Environment
}): ReadConfigFile {
  const path = options.path ?? join(options.directory, defaultFileName)
  const text = readText(path, options.path !== undefined)
  if (text === null) return { path: null, content: configFileSchema.parse({}), given: {} }
  const unset: SchemaIssue[] = []
  const given = expandVariables(parseYaml(text, path), options.environment, unset, []) ?? {}
  const checked = configFileSchema.safeParse(given)
  const faults = checked.success ? [] : describeSchemaIssues(configFileSchema, checked.error, given)
  // A value without its variable may be wrong for the schema as well, and is said once.
  const unsetFields = unset.map(({ field }) => field)
  const errors = [...unset, ...faults.filter(({ field }) => !unsetFields.includes(field))]
  if (errors.length > 0 || !checked.success) throw invalidConfig(path, errors)
  return { path, content: checked.data, given }
}

export function invalidConfig(path: string, errors: readonly SchemaIssue[], cause?: unknown): BatchwrightError {
  return new BatchwrightError('invalid_config', `${path}: ${joinIssues(errors)}`, {
    details: { file: path, errors },
    ...(cause === undefined ? {} : { cause }),
  })
}

function readText(path: string, isRequired: boolean): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw invalidConfig(path, [whole('can not be read')], error)
    if (isRequired) throw invalidConfig(path, [whole('there is no such file')], error)
    return null
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    // The first line of its message; the rest shows the file's text, in which there may be a key.
    throw invalidConfig(path, [whole(`is not YAML: ${error.message.split('\n', 1)[0]?.replace(/:$/, '')}`)])
  }
}

function whole(reason: string): SchemaIssue {
  return { field: null, reason }
}

/** Puts the environment's value in the place of each `${NAME}`. Done after parsing, so that a value can't be taken for YAML. */
function expandVariables(value: unknown, environment: Environment, unset: SchemaIssue[], keys: PropertyKey[]): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      const found = environment[name]
      if (found !== undefined && found !== '') return found
      unset.push({ field: formatPath(keys), reason: `the environment variable ${name} is not set` })
      return ''
    })
  }
  if (Array.isArray(value)) return value.map((entry, index) => expandVariables(entry, environment, unset, [...keys, index]))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, expandVariables(entry, environment, unset, [...keys, key])]),
  )
}
