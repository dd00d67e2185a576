import { Option, type Command } from 'commander'
import type { Batchwright, Job } from '../../client/batchwright.ts'
import { isTerminalJobStatus } from '../../core/statuses.ts'
import { printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { exitCodeOfJob, exitCodes, usageError, type ExitCode } from '../exit-codes.ts'
import { detachable } from '../interruption.ts'
import { findJob } from '../job-reference.ts'
import { writeToStream, writeWholeFile } from '../output-file.ts'
import { formatCount } from '../quantities.ts'

type Format = 'jsonl' | 'json' | 'csv'

interface ResultsOptions {
  format?: Format
  output?: string
  raw?: boolean
  failedAsInput?: boolean
  follow?: boolean
  json?: boolean
}

export function resultsCommand(cli: Cli): Command {
  return createCommand({
    name: 'results',
    group: 'Answers',
    summary: 'Print the answers of a job, in the order of its items',
    examples: [
      'results k7m2 -o answers.jsonl',
      'results reviews --format csv -o reviews-answered.csv',
      'results k7m2 | jq -r .text',
      'results k7m2 --follow',
      'results k7m2 --raw | jq .raw',
      'results k7m2 --failed-as-input -o again.jsonl',
    ],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .addOption(
      new Option('--format <FORMAT>', 'default: by the name of the output file, else jsonl').choices(['jsonl', 'json', 'csv']),
    )
    .option('-o, --output <FILE>', 'write to a file, which appears when it is complete; - is standard output')
    .option('--raw', 'what the provider said: {custom_id, seq, status, raw}, where raw is its own line as a text, or null')
    .option('--failed-as-input', 'the input lines of the items that did not succeed, with their ids, to submit them again')
    .option('--follow', 'go on until the job ends; then in the order in which answers arrive')
    .option('--json', 'the same as --format json')
    .addHelpText(
      'after',
      '\nExit codes: 0 all items succeeded, 1 the job failed, 3 finished with failed items, 6 not finished (prints what there is).',
    )
    .action(runWith(cli, async (reference: string, options: ResultsOptions) => await results(cli, reference, options)))
}

async function results(cli: Cli, reference: string, options: ResultsOptions): Promise<ExitCode> {
  const format = formatOf(options)
  const client = cli.client()
  const job = await findJob(client, reference)
  if (options.follow === true) return await followResults(cli, client, job, options)
  const { bytes, isComplete } = await client.jobs.resultBytes(job.id, {
    format,
    raw: options.raw === true,
    failed_as_input: options.failedAsInput === true,
  })
  if (toFile(options)) {
    await writeWholeFile(options.output as string, bytes)
    printLine(cli.stderr, `Written to ${options.output}`)
  } else {
    await writeToStream(cli.stdout, bytes)
  }
  return conclude(cli, isComplete ? await client.jobs.get(job.id) : job, isComplete)
}

async function followResults(cli: Cli, client: Batchwright, job: Job, options: ResultsOptions): Promise<ExitCode> {
  const end = await detachable(async (signal) => {
    const lines = jsonLines(client.jobs.results(job.id, { follow: true, signal }))
    await (toFile(options) ? writeWholeFile(options.output as string, lines) : writeToStream(cli.stdout, lines))
    return 'read' as const
  })
  if (end === 'detached') {
    printLine(cli.stderr, `Detached; the job goes on. All answers: batchwright results ${job.id}`)
    return exitCodes.detached
  }
  const settled = await client.jobs.get(job.id)
  return conclude(cli, settled, isTerminalJobStatus(settled.status))
}

/** Says on stderr what a person would miss, and gives the code for a script. `isComplete`: every item's outcome was printed. */
function conclude(cli: Cli, job: Job, isComplete: boolean): ExitCode {
  const { counts } = job
  const ended = counts.succeeded + counts.failed + counts.expired + counts.cancelled
  if (!isComplete && !isTerminalJobStatus(job.status)) {
    const next =
      job.status === 'paused' || job.draft !== null
        ? `see: batchwright status ${job.id}`
        : `wait for the rest: batchwright wait ${job.id}`
    printLine(
      cli.stderr,
      `Job ${job.id} is ${job.status}: ${formatCount(ended)} of ${formatCount(counts.total)} items have an answer so far; ${next}`,
    )
    return exitCodes.notFinished
  }
  if (job.status === 'failed') {
    printLine(cli.stderr, `Job ${job.id} failed: ${job.error?.message ?? 'no reason is known'}`)
    return exitCodes.failed
  }
  if (counts.succeeded < counts.total) {
    printLine(
      cli.stderr,
      `${formatCount(counts.total - counts.succeeded)} of ${formatCount(counts.total)} items did not succeed; send them again: batchwright retry ${job.id}`,
    )
    return exitCodes.finishedWithFailedItems
  }
  return isTerminalJobStatus(job.status) ? exitCodeOfJob(job) : exitCodes.done
}

function formatOf(options: ResultsOptions): Format {
  const named = options.json === true ? 'json' : options.format
  const byName = toFile(options)
    ? (['json', 'csv'] as const).find((one) => options.output?.toLowerCase().endsWith(`.${one}`))
    : undefined
  // These write lines, whatever the file is called.
  const given = [
    options.raw === true ? '--raw' : null,
    options.failedAsInput === true ? '--failed-as-input' : null,
    options.follow === true ? '--follow' : null,
  ].filter((flag) => flag !== null)
  if (given.length > 1) throw usageError(`${given.join(' and ')} do not go together: leave one out`)
  const [onlyLines = null] = given
  if (onlyLines === null) return named ?? byName ?? 'jsonl'
  if (named !== undefined && named !== 'jsonl') throw usageError(`${onlyLines} writes JSON lines: leave out --format ${named}`)
  return 'jsonl'
}

function toFile(options: ResultsOptions): boolean {
  return options.output !== undefined && options.output !== '-'
}

async function* jsonLines(values: AsyncIterable<unknown>): AsyncGenerator<string, void, undefined> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`
}
