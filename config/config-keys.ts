import type { z } from 'zod'
import { durationSchema, positiveDurationSchema } from '../core/job-spec.ts'
import { configFileSchema } from './config-schema.ts'

/** One key of `batchwright.yaml` that holds a value, as the schema describes it. */
export interface ConfigKey {
  /** `['providers', '<name>', 'api_key']`: the keys of a map are in angle brackets, `[]` stands for the entries of a list. */
  readonly path: readonly string[]
  readonly type: string
  readonly description: string
  /** What holds without it. Undefined: see `otherwise`. */
  readonly defaultValue?: unknown
  /** The same in words, where it is no value. */
  readonly otherwise: string
  readonly example: unknown
  /** The environment variable that wins over it. */
  readonly variable: string | null
  readonly isSecret: boolean
}

/** All keys, in the order of the schema. */
export function listConfigKeys(): ConfigKey[] {
  return keysOf(configFileSchema, [], {})
}

/** `providers.<name>.api_key`. */
export function formatKey(path: readonly string[]): string {
  return path.join('.').replaceAll('.[]', '[]')
}

/** What `.meta()` says in `config-schema.ts`. */
interface Meta {
  readonly description?: string
  readonly default?: string
  readonly defaultValue?: unknown
  /** Of an object: what its keys have instead of their own. */
  readonly defaults?: Readonly<Record<string, Pick<Meta, 'default' | 'defaultValue'>>>
  readonly keyName?: string
  readonly variable?: string
  readonly secret?: boolean
  readonly examples?: readonly unknown[]
}

interface Definition {
  readonly type: string
  readonly format?: string
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly defaultValue?: unknown
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly valueType?: z.ZodType
  readonly element?: z.ZodType
  readonly entries?: Readonly<Record<string, string>>
}

function keysOf(schema: z.ZodType, path: readonly string[], inherited: Meta): ConfigKey[] {
  const { inner, meta: own } = unwrap(schema)
  const meta = { ...own, ...inherited }
  const { shape, valueType, element } = definitionOf(inner)
  if (shape !== undefined && meta.description === undefined) {
    return Object.entries(shape).flatMap(([key, value]) => keysOf(value, [...path, key], meta.defaults?.[key] ?? {}))
  }
  if (valueType !== undefined && meta.description === undefined) return keysOf(valueType, [...path, meta.keyName ?? '<key>'], {})
  const entries = element !== undefined && isObject(element) ? keysOf(element, [...path, '[]'], {}) : []
  return [toKey(inner, path, meta), ...entries]
}

function toKey(schema: z.ZodType, path: readonly string[], meta: Meta): ConfigKey {
  return {
    path,
    type: typeOf(schema),
    description: meta.description ?? '',
    ...(meta.defaultValue === undefined ? {} : { defaultValue: meta.defaultValue }),
    otherwise: meta.default ?? (meta.defaultValue === undefined ? 'required' : ''),
    example: meta.examples?.[0],
    variable: meta.variable ?? null,
    isSecret: meta.secret === true,
  }
}

/** The schema within `optional`, `default` and `transform`, and what all of them say of it; the outer one wins. */
function unwrap(schema: z.ZodType): { inner: z.ZodType; meta: Meta } {
  let inner = schema
  let meta: Meta = {}
  for (;;) {
    const definition = definitionOf(inner)
    const preset = definition.type === 'default' ? { defaultValue: definition.defaultValue } : {}
    meta = { ...preset, ...(inner.meta() as Meta | undefined), ...meta }
    const next = definition.innerType ?? definition.in
    if (next === undefined) return { inner, meta }
    inner = next
  }
}

function typeOf(schema: z.ZodType): string {
  if (schema === durationSchema || schema === positiveDurationSchema) return 'duration'
  const { type, format, entries, element, valueType } = definitionOf(schema)
  switch (type) {
    case 'string':
      return format === 'url' ? 'URL' : format === 'date' ? 'date' : 'text'
    case 'number':
      return (schema as z.ZodNumber).format === 'safeint' ? 'whole number' : 'number'
    case 'boolean':
      return '`true` or `false`'
    case 'enum':
      return Object.values(entries ?? {})
        .map((value) => `\`${value}\``)
        .join(' ')
    case 'array':
      return element === undefined || isObject(element) ? 'list' : `list of ${typeOf(unwrap(element).inner)}`
    case 'record':
      return valueType === undefined ? 'map' : `map to ${typeOf(unwrap(valueType).inner)}`
    case 'object':
      return Object.keys(definitionOf(schema).shape ?? {})
        .map((key) => `\`${key}\``)
        .join(' and ')
    default:
      return type
  }
}

function isObject(schema: z.ZodType): boolean {
  return definitionOf(unwrap(schema).inner).type === 'object'
}

function definitionOf(schema: z.ZodType): Definition {
  return schema.def
}
