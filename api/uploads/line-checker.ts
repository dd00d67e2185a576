import { BatchwrightError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { placeholderItemId } from '../../core/item-id.ts'
import type { JobSpec } from '../../core/job-spec.ts'
import type { ModelCapabilities } from '../../core/model-capabilities.ts'
import { describeOversize } from '../../core/splitting.ts'
import type { ProviderConfig } from '../../config/config.ts'
import type { FormattedLine, LineFormat } from '../../formats/input-line.ts'
import { InvalidLineError, parseNewInputLine, tooDeep } from '../../formats/input-line.ts'
import { checkSchema } from '../../formats/json-output.ts'
import { neutralPaths } from '../../formats/neutral-path.ts'
import { measureLine, renderers } from '../../formats/renderers.ts'
import type { ItemRequest } from '../../formats/canonical-request.ts'
import { isForeign, nativeField } from '../../formats/request-defaults.ts'
import { schemaOfRequest } from '../../formats/translation.ts'
import { isPlainSchema } from '../../formats/plain-schema.ts'
import type { JobDefaults, RenderedRequest } from '../../formats/rendering.ts'
import { requireKnownModel, type Catalog } from '../../models/catalog.ts'
import { batchLimits } from './batch-limits.ts'
import type { ResolvedSpec } from './spec.ts'
import { isStorable, notStorable } from './storable-text.ts'

export interface CheckedLine {
  customId: string
  /** JSON texts. */
  metadata: string | null
  warnings: string | null
  /** Exact size of the provider's own line with its line end. */
  bytes: number
  /** Estimated input tokens. */
  tokens: number
  endpoint: string
  model: string
}

/** What the lines seen so far have in common. */
export interface LineSummary {
  /** Null when lines differ. */
  readonly model: string | null
  readonly endpoint: string | null
  readonly mixed: boolean
  readonly itemSchemas: boolean
  /** Null before the first line. */
  readonly lineFormat: LineFormat | null
  /** The job's own model; a default of the service gives way to models that native lines name. */
  readonly jobModel: string | null
}

export interface LineChecker {
  /** Checks a line as its provider will get it. Throws InvalidLineError. */
  check(text: string, lineNumber: number, seq: number): CheckedLine
  summary(): LineSummary
}

/**
 * Checks lines by rendering them just as they will be sent, so that what is accepted can be sent and its size is exact. With `earlier`, what was said of
 * the lines before these, it goes on from there.
 */
export function createLineChecker(
  { spec, provider, defaulted }: ResolvedSpec,
  catalog: Catalog,
  earlier: LineSummary | null = null,
): LineChecker {
  const capabilitiesOf = (model: string) => catalog.capabilities(provider.kind, model)
  const limitsOf = memoized((model: string) => batchLimits(catalog, provider, spec, model))
  const isKnown = memoized((model: string) => unknownModelProblem(catalog, provider, model))
  let defaults = earlier === null ? jobDefaults(spec) : { ...jobDefaults(spec), model: earlier.jobModel }
  let lineFormat = earlier?.lineFormat ?? null
  let mixed = earlier?.mixed ?? false
  let last =
    earlier === null || earlier.model === null || earlier.endpoint === null
      ? null
      : { model: earlier.model, endpoint: earlier.endpoint }
  let itemSchemas = earlier?.itemSchemas ?? false

  const namesOwnModel = (request: ItemRequest): boolean => {
    const model = request.kind === 'native' ? request.body['model'] : undefined
    return typeof model === 'string' && (!isForeign(request, provider.kind) || catalog.isKnown(provider.kind, model))
  }

  const checkFormat = (line: FormattedLine, lineNumber: number) => {
    if (lineFormat === null) {
      lineFormat = line.lineFormat
      // The service's default is for lines that name no model of this provider.
      if (defaulted.includes('model') && namesOwnModel(line.request)) defaults = { ...defaults, model: null }
    } else if (line.lineFormat !== lineFormat) {
      throw new InvalidLineError(
        lineNumber,
        null,
        `is a line in ${named(line.lineFormat)} format, but the file began with ${named(lineFormat)} lines: do not mix them`,
      )
    }
  }

  const schemaProblem = memoized((text: string) => describeSchemaProblem(JSON.parse(text) as JsonObject), memoizedSchemas)

  const pathsOf = ({ lineFormat, request }: FormattedLine, text: string): ((path: string) => string) =>
    lineFormat === 'neutral' && request.kind === 'generate' ? neutralPaths(text, request, defaults.system) : (path) => path

  const render = (line: FormattedLine, text: string, lineNumber: number): RenderedRequest => {
    if (line.request.kind === 'generate' && defaults.endpoint === '/v1/embeddings') {
      throw new InvalidLineError(lineNumber, null, describePromptForEmbeddings(defaults.model, capabilitiesOf))
    }
    const rendered = naming(
      lineNumber,
      () => renderers[provider.kind](line.request, defaults, capabilitiesOf),
      (path) => pathsOf(line, text)(path),
    )
    // Few name a message, and only for these a second look at the line is worth its time.
    return rendered.warnings.some((warning) => warning.startsWith('messages['))
      ? { ...rendered, warnings: rendered.warnings.map(pathsOf(line, text)) }
      : rendered
  }

  const unsaid = unsaidInNativeLines(spec, defaulted)

  const checker: LineChecker = {
    check(text, lineNumber, seq) {
      const line = parseNewInputLine(text, lineNumber)
      checkFormat(line, lineNumber)
      const customId = line.customId ?? String(lineNumber)
      if (!isStorable(customId)) throw new InvalidLineError(lineNumber, 'custom_id', notStorable)
      const asked = naming(lineNumber, () => schemaOfRequest(line.request, provider.kind))
      const schema = asked?.schema
      const unusable = schema === undefined || isPlainSchema(schema) ? null : schemaProblem(JSON.stringify(schema))
      if (unusable !== null) throw new InvalidLineError(lineNumber, asked?.path ?? 'schema', unusable)
      const rendered = render(line, text, lineNumber)
      if (!isStorable(rendered.model)) throw new InvalidLineError(lineNumber, modelField(line), notStorable)
      const problem = isKnown(rendered.model)
      if (problem !== null) {
        // The job's own model was checked before: this is the line's.
        const reason = isForeign(line.request, provider.kind)
          ? `is "${rendered.model}", a model of another provider: give the job one (-m ${provider.name}/MODEL)`
          : problem
        throw new InvalidLineError(lineNumber, modelField(line), reason)
      }
      const { bytes, tokens } = measureLine(provider.kind, placeholderItemId(seq), rendered)
      const oversize = describeOversize({ bytes, tokens }, limitsOf(rendered.model))
      if (oversize !== null) throw new InvalidLineError(lineNumber, null, oversize)
      if (last?.model !== rendered.model || last.endpoint !== rendered.endpoint) {
        mixed ||= last !== null
        last = { model: rendered.model, endpoint: rendered.endpoint }
      }
      if (schema !== undefined) itemSchemas = true
      const warnings = [...rendered.warnings, ...(line.request.kind === 'native' ? unsaid : [])]
      return {
        customId,
        metadata: line.metadata === null ? null : JSON.stringify(line.metadata),
        warnings: warnings.length === 0 ? null : JSON.stringify(warnings),
        bytes,
        tokens,
        endpoint: rendered.endpoint,
        model: rendered.model,
      }
    },
    summary() {
      return {
        model: mixed ? null : (last?.model ?? null),
        endpoint: mixed ? null : (last?.endpoint ?? null),
        mixed,
        itemSchemas,
        lineFormat,
        jobModel: defaults.model,
      }
    },
  }
  return {
    ...checker,
    check(text, lineNumber, seq) {
      try {
        return checker.check(text, lineNumber, seq)
      } catch (error) {
        if (error instanceof RangeError) throw tooDeep(lineNumber, error)
        throw error
      }
    },
  }
}

/** With the line's number for what can't be put in the provider's terms. */
function naming<Result>(lineNumber: number, render: () => Result, pathOf = (path: string): string => path): Result {
  try {
    return render()
  } catch (error) {
    if (!(error instanceof BatchwrightError) || error.code !== 'unsupported_request') throw error
    const { field, reason } = error.details as { field: string; reason: string }
    throw new InvalidLineError(lineNumber, pathOf(field), reason, { cause: error })
  }
}

function describeSchemaProblem(schema: JsonObject): string | null {
  try {
    checkSchema(schema)
    return null
  } catch (error) {
    if (error instanceof BatchwrightError && error.code === 'invalid_schema') return error.details['reason'] as string
    throw error
  }
}

function describePromptForEmbeddings(model: string | null, capabilitiesOf: (model: string) => ModelCapabilities): string {
  const capabilities = model === null ? null : capabilitiesOf(model)
  return capabilities !== null && capabilities.known && !capabilities.embeddings
    ? `has a prompt, but the job's endpoint /v1/embeddings asks for embeddings, and ${model} makes none: leave the endpoint out, or choose text-embedding-3-small and give \`input\``
    : "has a prompt, but the job's endpoint /v1/embeddings asks for embeddings: give `input` instead, or leave the endpoint out"
}

/** What a user asks of the whole job, and lines in a provider's own format are not asked: they say it themselves, or not at all. */
function unsaidInNativeLines(spec: JobSpec, defaulted: readonly string[]): string[] {
  const leftOut = (['system', 'max_tokens', 'temperature'] as const)
    .filter((field) => spec[field] !== undefined && !defaulted.includes(field))
    .map((field) => `${field} of the job left out: a line in a provider's own format says it itself`)
  if (spec.schema === undefined) return leftOut
  return [
    ...leftOut,
    'schema of the job is not in the request: the answer is only checked against it, and asked for again if it does not fit',
  ]
}

/** As activities will read it from the job. */
export function jobDefaults(spec: JobSpec): JobDefaults {
  return {
    model: spec.model ?? null,
    modelOverride: null,
    endpoint: spec.endpoint ?? null,
    system: spec.system ?? null,
    schema: spec.schema ?? null,
    maxTokens: spec.max_tokens ?? null,
    temperature: spec.temperature ?? null,
  }
}

/** OpenAI itself has the models that we list; an endpoint of one's own may have any. */
export function unknownModelProblem(catalog: Catalog, provider: ProviderConfig, model: string): string | null {
  if (provider.name !== provider.kind || (provider.baseUrl !== null && !provider.simulated)) return null
  try {
    requireKnownModel(catalog, provider.kind, model)
    return null
  } catch (error) {
    if (error instanceof BatchwrightError && error.code === 'unknown_model') return error.message
    throw error
  }
}

function named(format: LineFormat): string {
  return { neutral: 'the neutral', openai: "OpenAI's", anthropic: "Anthropic's", gemini: "Gemini's" }[format]
}

/** Schemas of lines that are kept as checked: equal ones are compiled once, and 50,000 different ones don't fill the memory. */
const memoizedSchemas = 500

function memoized<Result>(compute: (key: string) => Result, most = Infinity): (key: string) => Result {
  const known = new Map<string, Result>()
  return (key) => {
    let result = known.get(key)
    if (result === undefined) {
      result = compute(key)
      if (known.size >= most) known.clear()
      known.set(key, result)
    }
    return result
  }
}

/** Where a line names its model; null: only the job can. */
function modelField({ request }: FormattedLine): string | null {
  return request.kind === 'native' ? `${nativeField(request.format)}.model` : null
}
