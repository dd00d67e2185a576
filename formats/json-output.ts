import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import { BatchwrightError, describeError } from '../core/errors.ts'
import { parseExactJson } from '../core/exact-json.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { countSchemas } from './plain-schema.ts'

export type CheckedOutput = { readonly ok: true; readonly output: Json } | { readonly ok: false; readonly reason: string }

/**
 * Takes the JSON out of an answer's text and checks it against the schema. `reason` is one line, fit to be shown to the model. Throws
 * `invalid_schema`, as `checkSchema` does.
 */
export function checkOutput(text: string, schema: JsonObject): CheckedOutput {
  const validate = validatorOf(schema)
  const taken = takeText(text)
  if (!taken.ok) return taken
  try {
    return validate(taken.value) ? exact(taken.text) : { ok: false, reason: describeMismatch(validate.errors ?? []) }
  } catch (error) {
    // A schema that refers to itself calls itself once for each level of the answer.
    if (error instanceof RangeError) return { ok: false, reason: 'the answer is nested too deeply' }
    throw error
  }
}

/** Throws `invalid_schema` (details: `reason`) when a schema can't be used: at job creation, before anything is paid for. */
export function checkSchema(schema: JsonObject): void {
  validatorOf(schema)
}

/** The JSON in a text: the whole of it, or the one fenced block in it, with or without prose around. Integers that no double holds stay as they are written. */
export function takeJson(text: string): CheckedOutput {
  const taken = takeText(text)
  return taken.ok ? exact(taken.text) : taken
}

type TakenText =
  | { readonly ok: true; readonly text: string; readonly value: unknown }
  | { readonly ok: false; readonly reason: string }

function takeText(text: string): TakenText {
  const whole = parse(text.trim())
  if (whole.ok) return whole
  const blocks = [...text.matchAll(/```[\w-]*[ \t]*\r?\n([\s\S]*?)\r?\n?```/g)]
  if (blocks.length > 1) return { ok: false, reason: `the answer has ${blocks.length} fenced blocks instead of one JSON value` }
  return blocks[0] === undefined ? whole : parse((blocks[0][1] as string).trim())
}

/** As plain numbers, which is what a schema is about. */
function parse(text: string): TakenText {
  if (text === '') return { ok: false, reason: 'the answer is empty' }
  try {
    return { ok: true, text, value: JSON.parse(text) }
  } catch (error) {
    return { ok: false, reason: `the answer is not JSON: ${describeError(error)}` }
  }
}

function exact(text: string): CheckedOutput {
  return { ok: true, output: parseExactJson(text) as Json }
}

// What Ajv would say of an unknown format has no place in the output of a process. 19.99 is a multiple of 0.01, whatever binary fractions make of it; and
// what every object inherits (`constructor`) is no property of an answer.
const options = { strict: false, allErrors: false, logger: false, multipleOfPrecision: 6, ownProperties: true } as const
// ajv-formats is CommonJS: under Node its default export is the module itself.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default

/**
 * What is kept of schemas is bounded by their weight: the length of their texts, and what one takes beside it (measured: 9 kB of a small one). That
 * is about 200 small ones: a job has one schema, or one per line, and a handful of jobs runs at the same time.
 */
const maxWeight = 2_000_000
const weightOf = (text: string): number => text.length + 10_000

/**
 * The Ajv of the moment for one dialect. It keeps parts of everything that it ever compiled, and can't be made to forget them: a file in which each
 * line has a schema of its own would fill the memory. So one takes `maxWeight` of schemas, and is then left to the collector.
 */
function ajvSeries(create: () => Ajv): (weight: number) => Ajv {
  let current: Ajv | null = null
  let left = 0
  return (weight) => {
    if (current === null || left <= 0) {
      current = create()
      addFormats(current)
      left = maxWeight
    }
    left -= weight
    return current
  }
}

const draft07 = ajvSeries(() => new Ajv(options))
const draft2020 = ajvSeries(() => new Ajv2020(options))

/** A compiled schema, or why it can't be used: a line that is read again must not cost another attempt. */
type Compiled = ValidateFunction | BatchwrightError

/** By their texts, the one that was not used for longest first. */
const cache = new Map<string, Compiled>()
let cacheWeight = 0
const compiledByObject = new WeakMap<JsonObject, Compiled>()

/** Throws `invalid_schema`. */
function validatorOf(schema: JsonObject): ValidateFunction {
  const compiled = compiledByObject.get(schema) ?? findOrCompile(schema)
  compiledByObject.set(schema, compiled)
  if (compiled instanceof BatchwrightError) throw compiled
  return compiled
}

function findOrCompile(schema: JsonObject): Compiled {
  let text: string
  try {
    text = JSON.stringify(schema)
  } catch (error) {
    return unusable(error)
  }
  const known = cache.get(text)
  // Bounds that no double holds are no numbers as `parseExactJson` gives them; as what they round to they are as good as the answers that are checked.
  const compiled = known ?? tryToCompile(JSON.parse(text) as JsonObject, weightOf(text))
  if (known === undefined) cacheWeight += weightOf(text)
  cache.delete(text)
  cache.set(text, compiled)
  for (const oldest of cache.keys()) {
    if (cacheWeight <= maxWeight) break
    cache.delete(oldest)
    cacheWeight -= weightOf(oldest)
  }
  return compiled
}

/** Compiling a schema of this many objects takes seconds, in which a process does nothing else; OpenAI takes 5,000 properties. */
const largestSchema = 10_000

function tryToCompile(schema: JsonObject, weight: number): Compiled {
  if (countSchemas(schema, largestSchema) > largestSchema)
    return unusable(new Error(`it is made of more than ${largestSchema} objects and arrays`))
  try {
    return compile(schema, weight)
  } catch (error) {
    return unusable(error)
  }
}

function unusable(error: unknown): BatchwrightError {
  const why = error instanceof RangeError ? 'it is nested too deeply' : describeError(error).slice(0, 300)
  const reason = `is not a usable JSON Schema: ${why}`
  return new BatchwrightError('invalid_schema', `schema: ${reason}`, {
    cause: error,
    details: { reason, errors: [{ field: 'schema', reason }] },
  })
}

function compile(schema: JsonObject, weight: number): ValidateFunction {
  const dialect = schema['$schema']
  const ajv = typeof dialect === 'string' && dialect.includes('draft-07') ? draft07(weight) : draft2020(weight)
  const id = schema['$id']
  // Removing it afterwards would remove the dialect itself.
  if (typeof id === 'string' && /^https?:\/\/json-schema\.org\//.test(id))
    throw new Error(`its $id is that of JSON Schema itself`)
  if (schema['$async'] === true) throw new Error('"$async" is not taken')
  try {
    return ajv.compile(schema)
  } finally {
    // Ajv keeps what it compiled, or tried to, and refuses a second schema with the same $id; the function works without it.
    ajv.removeSchema(schema)
  }
}

function describeMismatch(errors: readonly ErrorObject[]): string {
  const error = errors[0]
  if (error === undefined) return 'the answer does not fit the schema'
  const where = error.instancePath === '' ? 'the answer' : error.instancePath
  return `${where} ${error.message ?? 'does not fit the schema'}${detail(error)}`.replaceAll(/\s+/g, ' ')
}

function detail(error: ErrorObject): string {
  const params = error.params as { additionalProperty?: string; allowedValues?: unknown[]; allowedValue?: unknown }
  if (params.additionalProperty !== undefined) return ` ("${params.additionalProperty}")`
  if (params.allowedValues !== undefined) return ` (${JSON.stringify(params.allowedValues).slice(0, 200)})`
  return params.allowedValue === undefined ? '' : ` (${JSON.stringify(params.allowedValue)})`
}
