import { BatchwrightError } from '../../core/errors.ts'
import { jobSpecSchema, type JobSpec } from '../../core/job-spec.ts'
import type { Config, ProviderConfig } from '../../config/config.ts'
import { describeSchemaIssues, joinIssues } from '../../config/schema-issues.ts'
import type { Catalog } from '../../models/catalog.ts'
import { checkSchema } from '../../formats/json-output.ts'
import { findProvider } from '../find-provider.ts'
import { unknownModelProblem } from './line-checker.ts'
import { findUnstorable } from './storable-text.ts'

export interface ResolvedSpec {
  /** With the defaults of the service. */
  readonly spec: JobSpec
  readonly provider: ProviderConfig
  /** Fields that are defaults of the service, not the user's choice. */
  readonly defaulted: readonly string[]
  /** What the user sent, in one form whatever the order of its fields: a part of the content hash. Null where it was sent before. */
  readonly canonical: string | null
}

/**
 * Checks a job's spec. Throws `invalid_request`, `unknown_provider` or `unknown_model`, each with the nearest name; `invalid_schema`; and
 * `invalid_input` for a text that can't be stored.
 */
export function resolveSpec(input: unknown, config: Config, catalog: Catalog): ResolvedSpec {
  const checked = jobSpecSchema.safeParse(input)
  if (!checked.success) {
    const errors = describeSchemaIssues(jobSpecSchema, checked.error, input)
    throw new BatchwrightError('invalid_request', `the job spec is not valid: ${joinIssues(errors)}`, { details: { errors } })
  }
  const asked = checked.data
  const canonical = canonicalText(asked)
  const unstorable = findUnstorable(asked)
  if (unstorable.length > 0) {
    throw new BatchwrightError('invalid_input', `the job spec is not valid: ${joinIssues(unstorable)}`, {
      details: { errors: unstorable, error_count: unstorable.length },
    })
  }
  if (asked.schema !== undefined) checkSchema(asked.schema)
  const provider = chooseProvider(asked.provider, config)
  const { defaults } = config
  // The default model is one of the default provider.
  const defaultModel = provider.name === (defaults.provider ?? provider.name) ? defaults.model : null
  const spec: JobSpec = { ...asked, provider: provider.name }
  const model = asked.model ?? defaultModel
  if (model !== null) spec.model = model
  if (spec.max_tokens === undefined && defaults.maxTokens !== null) spec.max_tokens = defaults.maxTokens
  if (spec.temperature === undefined && defaults.temperature !== null) spec.temperature = defaults.temperature
  for (const [field, name] of [
    ['model', model],
    ...(asked.fallback_models ?? []).map((name, index) => [`fallback_models[${index}]`, name]),
  ]) {
    const problem = name === null || name === undefined ? null : unknownModelProblem(catalog, provider, name)
    if (problem !== null)
      throw new BatchwrightError('unknown_model', problem, { details: { errors: [{ field, reason: problem }] } })
  }
  const defaulted = Object.keys(spec).filter((field) => asked[field as keyof JobSpec] === undefined)
  return { spec, provider, defaulted, canonical }
}

function canonicalText(spec: JobSpec): string {
  try {
    return JSON.stringify(spec)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const reason = 'is nested too deeply'
    throw new BatchwrightError('invalid_schema', `schema: ${reason}`, {
      cause: error,
      details: { errors: [{ field: 'schema', reason }] },
    })
  }
}

function chooseProvider(asked: string | undefined, { providers, defaults }: Config): ProviderConfig {
  const names = providers.map(({ name }) => name)
  const configured = providers.filter((provider) => provider.configured && provider.batch)
  const name = asked ?? defaults.provider ?? (configured.length === 1 ? configured[0]?.name : undefined)
  if (name === undefined) {
    throw new BatchwrightError('invalid_request', `the job names no provider: give one of ${names.join(', ')}`, {
      details: { errors: [{ field: 'provider', reason: 'is missing' }] },
    })
  }
  return findProvider(providers, name)
}
