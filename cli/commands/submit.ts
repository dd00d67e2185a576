import { randomUUID } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { Option, type Command } from 'commander'
import type { Items } from '../../client/batchwright.ts'
import { BatchwrightError } from '../../core/errors.ts'
import type { JobSpec } from '../../core/job-spec.ts'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { draftNote, submitDraft } from '../drafts.ts'
import { exitCodes, usageError, type ExitCode } from '../exit-codes.ts'
import { addJobOptions, jobSpecOf, type JobOptions } from '../job-options.ts'
import { parseDuration } from '../option-values.ts'
import { countOf } from '../quantities.ts'
import { findJob } from '../job-reference.ts'
import { printDryRun } from '../dry-run.ts'
import { rejectsPathOf, reportRejects } from '../rejects.ts'
import { readSpecFile } from '../spec-file.ts'
import { fileItems } from '../submitted-items.ts'
import { uploading } from '../uploading.ts'
import { watchJob } from '../watching.ts'

interface SubmitOptions extends JobOptions {
  format?: 'jsonl' | 'csv'
  idempotencyKey?: string
  wait?: boolean
  from?: string
  dryRun?: boolean
  draft?: boolean
  ifExists?: 'error' | 'attach'
  rejects?: string
  timeout?: number
  json?: boolean
}

export function submitCommand(cli: Cli): Command {
  const command = createCommand({
    name: 'submit',
    group: 'Start',
    summary: 'Create a job from a file of items, and print its id',
    examples: [
      'submit examples/support-tickets.jsonl -m openai/gpt-5-mini --schema examples/support-tickets.schema.json --wait',
      'submit examples/reviews.csv -m openai/gpt-5-mini --prompt "Positive or negative? {{text}}" --name reviews --tag team=shop',
      'submit examples/openai-batch.jsonl --provider openai --wait --timeout 2h',
      'submit - -m openai/gpt-5-mini < examples/support-tickets.jsonl',
      'submit examples/support-tickets.jsonl -m openai/gpt-5-mini --limit 20 --dry-run',
      'submit --spec examples/reviews.yaml --wait',
      'submit --from k7m2 -m anthropic/claude-haiku-4-5 --wait',
      'submit examples/support-tickets.jsonl -m openai/gpt-5-mini --name tickets --draft',
    ],
  }).argument(
    '[FILE]',
    "items: JSON lines (neutral, OpenAI's, Anthropic's or Gemini's), or CSV with --prompt; - is standard input",
  )
  addJobOptions(command)
  return command
    .option('--wait', 'watch the job to its end; the exit code says how it ended (Ctrl-C detaches, the job goes on)')
    .option('--timeout <DURATION>', 'with --wait: stop waiting after this long (exit 4), like 30m', parseDuration)
    .addOption(new Option('--format <FORMAT>', 'of the file, where its name does not tell').choices(['jsonl', 'csv']))
    .option('--from <JOB>', 'the items of another job instead of a file, with their ids, and what it asked')
    .option('--dry-run', 'check and plan everything, print what would be sent, store nothing')
    .option('--draft', 'create it, but let it run only at `start`; until then `append` adds items. FILE, if any, is part 1')
    .addOption(
      new Option('--if-exists <WHAT>', 'where a job has this --name already: error, or attach to it').choices([
        'error',
        'attach',
      ]),
    )
    .option(
      '--rejects <FILE>',
      'with --skip-invalid: where the lines left out go; default: the name of the input with .rejects.jsonl',
    )
    .option('--idempotency-key <KEY>', 'the same key and content give the same job; default: a new key each time')
    .option('--json', 'print the job as JSON')
    .action(runWith(cli, async (file: string | undefined, options: SubmitOptions) => await submit(cli, file, options)))
}

async function submit(cli: Cli, argument: string | undefined, options: SubmitOptions): Promise<ExitCode> {
  if (options.timeout !== undefined && options.wait !== true) throw usageError('--timeout is how long --wait waits: add --wait')
  const specFile = options.spec === undefined ? null : await readSpecFile(options.spec)
  if (argument !== undefined && options.from !== undefined)
    throw usageError('the items come from a file or, by --from, from a job: leave one out')
  const file = options.from === undefined ? (argument ?? specFile?.file ?? null) : `${options.from}.jsonl`
  if (file === null && options.draft !== true)
    throw usageError(
      specFile === null ? 'which items? name a file' : `${options.spec} names no file: add \`file:\`, or name one here`,
    )
  const spec = await jobSpecOf(options, specFile?.fields)
  if (options.rejects !== undefined && spec.skip_invalid !== true)
    throw usageError('--rejects is where --skip-invalid puts lines: add --skip-invalid')
  if (options.ifExists !== undefined && spec.name === undefined) throw usageError('--if-exists is about a name: add --name')
  const client = cli.client()
  if (options.draft === true || file === null) {
    for (const [option, given] of [
      ['--from', options.from],
      ['--dry-run', options.dryRun],
      ['--wait', options.wait],
    ])
      if (given !== undefined)
        throw usageError(`--draft only creates the job, and ${option as string} is about its items: leave one out`)
    const { format, idempotencyKey, ifExists, rejects, json = false } = options
    return await naming(spec, () => submitDraft(cli, client, { spec, file, format, idempotencyKey, ifExists, rejects, json }))
  }
  const items =
    options.from === undefined ? fileItems(cli, file, options.format) : { job: (await findJob(client, options.from)).id }
  const localFilesFrom = file === '-' || options.from !== undefined ? process.cwd() : dirname(resolve(file))
  if (options.dryRun === true) {
    if (options.wait === true) throw usageError('--dry-run sends nothing that --wait could wait for: leave one out')
    const plan = await upload(
      cli,
      spec,
      items,
      async (uploading) => await client.jobs.dryRun({ ...spec, items }, { ...uploading, localFilesFrom }),
    )
    if (plan === 'detached') return stopped(cli)
    printDryRun(cli, plan, options.json === true)
    return exitCodes.done
  }
  // One key for the whole invocation: the client's own repeats use it as well.
  const { ifExists, idempotencyKey = randomUUID() } = options
  const job = await upload(
    cli,
    spec,
    items,
    async (uploading) => await client.jobs.create({ ...spec, items }, { ...uploading, idempotencyKey, ifExists, localFilesFrom }),
  )
  if (job === 'detached') return stopped(cli)
  const simulated = job.simulated ? ' (simulated: made-up answers, nothing is spent)' : ''
  const target = [job.provider, job.model].filter((part) => part !== null).join('/')
  printLine(cli.stderr, `Job ${job.id}: ${countOf(job.counts.total, 'item')} for ${target}${simulated}`)
  if (options.wait !== true) {
    if (options.json === true) printJson(cli, job)
    else printLine(cli.stdout, job.id)
    await reportRejects(cli, client, job, options.rejects ?? rejectsPathOf(file))
    printLine(cli.stderr, job.draft === null ? `Watch it with: batchwright watch ${job.id}` : draftNote(job.id))
    return exitCodes.done
  }
  // The id is out before the waiting begins: whatever happens to this process, a script has it.
  if (options.json !== true) printLine(cli.stdout, job.id)
  await reportRejects(cli, client, job, options.rejects ?? rejectsPathOf(file))
  return await watchJob(cli, client, job.id, { timeoutMs: options.timeout, json: options.json })
}

function stopped(cli: Cli): ExitCode {
  printLine(cli.stderr, 'Upload stopped; nothing of it is kept.')
  return exitCodes.detached
}

async function upload<Answer extends object>(
  cli: Cli,
  spec: JobSpec,
  items: Items,
  send: Parameters<typeof uploading<Answer>>[2],
): Promise<Answer | 'detached'> {
  return await naming(spec, () => uploading(cli, items, send))
}

/** Asks for a model where the service misses one. */
async function naming<Result>(spec: JobSpec, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    throw spec.model === undefined && isMissingModel(error)
      ? usageError('which model? give -m PROVIDER/MODEL, for example -m openai/gpt-5-mini')
      : error
  }
}

/** Only the service knows whether it has a default, and the lines may name their model. */
function isMissingModel(error: unknown): boolean {
  if (!(error instanceof BatchwrightError) || !Array.isArray(error.details.errors)) return false
  const [first] = error.details.errors as Array<{ field?: string | null; reason?: string }>
  return (
    (error.code === 'invalid_request' && first?.field === 'provider' && first.reason === 'is missing') ||
    (error.code === 'invalid_input' &&
      (first?.field === 'model' || first?.field === 'body.model') &&
      first.reason?.startsWith('no model') === true)
  )
}
