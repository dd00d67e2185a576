import { readFile } from 'node:fs/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { endpoints, jobSpecSchema, type JobSpec } from '../core/job-spec.ts'
import { priorities } from '../core/admission.ts'
import { repeatedKey, repeatedKeyIn } from '../core/repeated-keys.ts'
import { usageError } from './exit-codes.ts'
import { collect, parseNumber } from './option-values.ts'

/** The options that make a job's spec, as commander hands them over. */
export interface JobOptions {
  /** `-m`; commander names a short option by its letter. */
  m?: { provider: string; model: string }
  provider?: string
  model?: string
  name?: string
  prompt?: string
  system?: string
  schema?: string
  maxTokens?: number
  temperature?: number
  endpoint?: string
  tag?: Record<string, string>
  priority?: string
  maxRounds?: number
  backoff?: string
  fallbackModel?: string[]
  maxBatchRequests?: number
  maxBatchBytes?: number
  pollInitial?: string
  pollMax?: string
  keepProviderFiles?: boolean
  limit?: number
  skipInvalid?: boolean
  canary?: number
  canaryPassRate?: number
  maxFailureRate?: number
  spec?: string
}

export function addJobOptions(command: Command): Command {
  return command
    .optionsGroup('What to ask:')
    .option('-m <PROVIDER/MODEL>', 'provider and model, like openai/gpt-5-mini', parseTarget)
    .option('--provider <NAME>', 'provider; with --model the long form of -m, alone for lines that name their model')
    .option('--model <NAME>', 'model')
    .option('--prompt <TEMPLATE>', 'for CSV: a prompt in which {{column}} is replaced')
    .option('--system <TEXT>', 'system prompt of neutral items that have none')
    .option('--schema <FILE|JSON>', 'JSON Schema that every answer must fit; neutral items are asked for it')
    .option('--max-tokens <N>', 'longest answer to neutral items that do not say, in tokens', parseNumber)
    .option('--temperature <N>', 'from 0 to 2, of neutral items that do not say', parseNumber)
    .addOption(new Option('--endpoint <PATH>', "the provider's endpoint for neutral and translated lines").choices(endpoints))
    .option('--limit <N>', 'only the first N items', parseNumber)
    .option('--skip-invalid', 'leave out lines that can not be taken; they go to a file of their own, with the reason')
    .option('--spec <FILE>', 'a job in YAML or JSON, with the fields of the API and `file`; options here win over it')
    .optionsGroup('How it runs:')
    .option(
      '--canary <N>',
      'the first N items go first; the rest follows when 90 % of them succeed, else the job pauses',
      parseNumber,
    )
    .option('--canary-pass-rate <PART>', 'with --canary: from 0 to 1, instead of 0.9', parseNumber)
    .option('--max-failure-rate <PART>', 'pause when more of the items that have ended failed, from 0 to 1', parseNumber)
    .option('--name <TEXT>', 'a name to call the job by')
    .option('--tag <KEY=VALUE>', 'a tag; repeatable', collectTag)
    .addOption(new Option('--priority <LEVEL>', 'who goes first when the provider is full').choices(Object.keys(priorities)))
    .option('--max-rounds <N>', 'how often the items without an answer are sent at most', parseNumber)
    .option('--backoff <DURATION>', 'wait before the second round; doubles with each further one')
    .option('--fallback-model <NAME>', 'model of the same provider for the last round; repeatable, one a round', collect)
    .option('--max-batch-requests <N>', "items in one batch at most, below the provider's limit", parseNumber)
    .option('--max-batch-bytes <N>', "bytes of one batch at most, below the provider's limit", parseNumber)
    .option('--poll-initial <DURATION>', 'first and shortest wait between polls')
    .option('--poll-max <DURATION>', 'longest wait between polls')
    .option('--keep-provider-files', 'leave the files at the provider when the job ends')
    .optionsGroup('Options:')
}

/** The spec of a job, checked. Throws `usage` with the option that is wrong. */
export async function jobSpecOf(options: JobOptions, fromFile: Record<string, unknown> = {}): Promise<JobSpec> {
  const target = options.m
  if (target !== undefined && (options.provider !== undefined || options.model !== undefined)) {
    throw usageError('-m names provider and model: leave out --provider and --model')
  }
  const spec = withoutUndefined({
    name: options.name,
    provider: target?.provider ?? options.provider,
    model: target?.model ?? options.model,
    endpoint: options.endpoint,
    system: options.system,
    prompt: options.prompt,
    schema: options.schema === undefined ? undefined : await readSchema(options.schema),
    max_tokens: options.maxTokens,
    temperature: options.temperature,
    tags: options.tag,
    priority: options.priority,
    polling: withoutUndefined({ initial: options.pollInitial, max: options.pollMax }),
    retry: withoutUndefined({ max_rounds: options.maxRounds, backoff: options.backoff }),
    fallback_models: options.fallbackModel,
    limits: withoutUndefined({ max_batch_requests: options.maxBatchRequests, max_batch_bytes: options.maxBatchBytes }),
    keep_provider_files: options.keepProviderFiles,
    canary: withoutUndefined({ items: options.canary, pass_rate: options.canaryPassRate }),
    max_failure_rate: options.maxFailureRate,
    limit: options.limit,
    skip_invalid: options.skipInvalid,
  })
  const parsed = jobSpecSchema.safeParse(merged(fromFile, spec ?? {}))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = issue?.path.map(String) ?? []
  const field = issue?.code === 'unrecognized_keys' ? issue.keys[0] : path.join('.')
  if (options.spec !== undefined && (field === undefined || spec?.[path[0] ?? field] === undefined))
    throw usageError(
      `--spec: ${options.spec}: ${field ?? ''}: ${issue?.code === 'unrecognized_keys' ? 'is not a field of a job' : (issue?.message ?? 'is wrong')}`,
    )
  const flag = flagOf(path)
  throw usageError(`${flag}: ${wordings[flag] ?? issue?.message ?? 'is wrong'}`)
}

/** Options win over the file, one by one also within `retry`, `tags` and the like. A schema is one thing. */
function merged(fromFile: Record<string, unknown>, options: Record<string, unknown>): Record<string, unknown> {
  const both = { ...fromFile, ...options }
  for (const field of ['retry', 'limits', 'polling', 'canary', 'tags']) {
    const [base, over] = [fromFile[field], options[field]]
    if (isObject(base) && isObject(over)) both[field] = { ...base, ...over }
  }
  return both
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a flag takes, where the schema's own words are about types. */
const wordings: Readonly<Record<string, string>> = {
  '--name': 'give 1 to 200 characters',
  '--system': 'must not be empty',
  '--prompt': 'must not be empty',
  '--model': 'must not be empty',
  '--provider': 'must not be empty',
  '--max-tokens': 'give a whole number from 1',
  '--temperature': 'give a number from 0 to 2',
  '--tag': 'a key has 1 to 100 characters, a value at most 200',
  '--max-rounds': 'give a whole number from 1 to 20',
  '--fallback-model': 'give at most 5, none of them empty',
  '--max-batch-requests': 'give a whole number from 1',
  '--max-batch-bytes': 'give a whole number from 1',
  '--limit': 'give a whole number from 1',
  '--canary': 'give a whole number from 1',
  '--canary-pass-rate': 'give a number from 0 to 1',
  '--max-failure-rate': 'give a number from 0 to 1',
}

/** The flag of a field of the spec; named by its last part, except for what is called otherwise. */
function flagOf(path: readonly string[]): string {
  const renamed: Record<string, string> = {
    tags: '--tag',
    fallback_models: '--fallback-model',
    initial: '--poll-initial',
    max: '--poll-max',
    items: '--canary',
    pass_rate: '--canary-pass-rate',
  }
  const [first = ''] = path
  const key =
    path[0] === 'polling' || path[0] === 'retry' || path[0] === 'limits' || path[0] === 'canary' ? (path[1] ?? first) : first
  return renamed[key] ?? `--${key.replaceAll('_', '-')}`
}

/** Nothing where nothing is set, so that the service's own defaults count. */
function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> | undefined {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

async function readSchema(fileOrJson: string): Promise<unknown> {
  const isJson = fileOrJson.trimStart().startsWith('{')
  const text = isJson
    ? fileOrJson
    : await readFile(fileOrJson, 'utf8').catch((error: unknown) => {
        throw usageError(
          `--schema: can't read ${fileOrJson} (${error instanceof Error && 'code' in error ? String(error.code) : String(error)})`,
        )
      })
  const what = isJson ? 'this' : fileOrJson
  let schema: unknown
  try {
    schema = JSON.parse(text)
  } catch (error) {
    throw usageError(`--schema: ${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const field = repeatedKeyIn(text, schema)
  if (field !== null) throw usageError(`--schema: in ${what}, ${field} ${repeatedKey}`)
  return schema
}

/** `openai/gpt-5-mini`; a model's own name may contain slashes. */
function parseTarget(text: string): { provider: string; model: string } {
  const slash = text.indexOf('/')
  if (slash <= 0 || slash === text.length - 1) throw new InvalidArgumentError('Write it like openai/gpt-5-mini.')
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) }
}

function collectTag(text: string, tags: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals <= 0) throw new InvalidArgumentError('Write it like team=support.')
  return { ...tags, [text.slice(0, equals)]: text.slice(equals + 1) }
}
