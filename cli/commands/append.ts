import { Option, type Command } from 'commander'
import type { Batchwright, Job } from '../../client/batchwright.ts'
import { BatchwrightError } from '../../core/errors.ts'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { appendFile, describePart } from '../drafts.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { findJob } from '../job-reference.ts'
import { parseCount } from '../option-values.ts'
import { rejectsPathOf, reportRejects } from '../rejects.ts'

interface AppendOptions {
  part?: number
  rejects?: string
  format?: 'jsonl' | 'csv'
  json?: boolean
}

export function appendCommand(cli: Cli): Command {
  return createCommand({
    name: 'append',
    group: 'Start',
    summary: 'Add a file of items to a draft (submit --draft)',
    examples: ['append k7m2 examples/support-tickets.jsonl', 'append k7m2 - --part 3 < examples/support-tickets.jsonl'],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .argument('<FILE>', 'items as for submit; - is standard input')
    .option(
      '--part <N>',
      'its number, from 1; with one, repeating the command adds nothing again. Default: the next one',
      parseCount,
    )
    .addOption(new Option('--format <FORMAT>', 'of the file, where its name does not tell').choices(['jsonl', 'csv']))
    .option(
      '--rejects <FILE>',
      'of a draft with skip_invalid: where the lines left out so far go; default: the name of the input with .rejects.jsonl',
    )
    .option('--json', 'print the part as JSON')
    .action(
      runWith(cli, async (reference: string, file: string, options: AppendOptions) => {
        const client = cli.client()
        return await append(cli, client, await findJob(client, reference), file, options)
      }),
    )
}

async function append(cli: Cli, client: Batchwright, job: Job, file: string, options: AppendOptions): Promise<ExitCode> {
  const { format, json = false, part = job.draft?.next_part } = options
  if (part === undefined)
    throw new BatchwrightError('job_not_draft', `job ${job.id} is no draft to which something can be added (${job.status})`)
  // Whether it arrived is not always known here. With its number a part that did is not stored twice; without, it would be the next one.
  const again = `repeat it with: batchwright append ${job.id} ${file} --part ${part} (what is stored already is not stored twice)`
  const stored = await appendFile(cli, client, job.id, part, file, format).catch((error: unknown) => {
    if (error instanceof BatchwrightError && codesOfDoubt.includes(error.code))
      printLine(cli.stderr, `Part ${part} may be stored; ${again}`)
    throw error
  })
  if (stored === 'detached') {
    printLine(cli.stderr, `Upload stopped; ${again}`)
    return exitCodes.detached
  }
  if (json) printJson(cli, stored)
  else printLine(cli.stderr, describePart(job.id, stored, job.draft !== null))
  if (stored.rejected_lines > 0)
    await reportRejects(cli, client, await client.jobs.get(job.id), options.rejects ?? rejectsPathOf(file))
  return exitCodes.done
}

const codesOfDoubt = ['unreachable', 'upload_broken', 'upload_lost', 'unexpected_response', 'database_unavailable']
