import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import { BatchwrightError, describeError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'

export type CheckedOutput = { readonly ok: true; readonly output: Json } | { readonly ok: false; readonly reason: string }

/** Takes the JSON out of an answer's text and checks it against the schema. `reason` is one line, fit to be shown to the model. */
export function checkOutput(text: string, schema: JsonObject): CheckedOutput {
  const taken = takeJson(text)
  if (!taken.ok) return taken
  const validate = validatorOf(schema)
  if (validate(taken.output)) return taken
  return { ok: false, reason: describeMismatch(validate.errors ?? []) }
}

/** Throws `invalid_schema` (details: `reason`) when a schema can't be used: at job creation, before anything is paid for. */
export function checkSchema(schema: JsonObject): void {
  try {
    validatorOf(schema)
  } catch (error) {
    const why = error instanceof RangeError ? 'it is nested too deeply' : describeError(error).slice(0, 300)
    const reason = `is not a usable JSON Schema: ${why}`
    throw new BatchwrightError('invalid_schema', `schema: ${reason}`, {
      cause: error,
      details: { reason, errors: [{ field: 'schema', reason }] },
    })
  }
}

/** The JSON in a text: the whole of it, or the one fenced block in it, with or without prose around. */
export function takeJson(text: string): CheckedOutput {
  const whole = parse(text.trim())
  if (whole.ok) return whole
  const blocks = [...text.matchAll(/```[\w-]*[ \t]*\r?\n([\s\S]*?)\r?\n?```/g)]
  if (blocks.length > 1) return { ok: false, reason: `the answer has ${blocks.length} fenced blocks instead of one JSON value` }
  return blocks[0] === undefined ? whole : parse((blocks[0][1] as string).trim())
}

function parse(text: string): CheckedOutput {
  if (text === '') return { ok: false, reason: 'the answer is empty' }
  try {
    return { ok: true, output: JSON.parse(text) as Json }
  } catch (error) {
    return { ok: false, reason: `the answer is not JSON: ${describeError(error)}` }
  }
}

// What Ajv would say of an unknown format has no place in the output of a process.
const options = { strict: false, allErrors: false, logger: false } as const
// ajv-formats is CommonJS: under Node its default export is the module itself.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default
const draft07 = new Ajv(options)
const draft2020 = new Ajv2020(options)
addFormats(draft07)
addFormats(draft2020)

/** A job has one schema, or one per line: as many are kept compiled as a handful of jobs needs at the same time. */
const maxValidators = 200
const validators = new Map<string, ValidateFunction>()
const validatorsByObject = new WeakMap<JsonObject, ValidateFunction>()

function validatorOf(schema: JsonObject): ValidateFunction {
  const known = validatorsByObject.get(schema)
  if (known !== undefined) return known
  const text = JSON.stringify(schema)
  const validate = validators.get(text) ?? compile(schema)
  // Moved to the end: the first is the one that was not used for longest.
  validators.delete(text)
  validators.set(text, validate)
  if (validators.size > maxValidators) validators.delete(validators.keys().next().value as string)
  validatorsByObject.set(schema, validate)
  return validate
}

function compile(schema: JsonObject): ValidateFunction {
  const dialect = schema['$schema']
  const ajv = typeof dialect === 'string' && dialect.includes('draft-07') ? draft07 : draft2020
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
