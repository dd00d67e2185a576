import { Option, type Command } from 'commander'
import type { Batchwright, Job } from '../../client/batchwright.ts'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { appendFile, describePart } from '../drafts.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { findJob } from '../job-reference.ts'
import { parseCount } from '../option-values.ts'

interface AppendOptions {
  part?: number
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
    .option('--json', 'print the part as JSON')
    .action(
      runWith(cli, async (reference: string, file: string, options: AppendOptions) => {
        const client = cli.client()
        return await append(cli, client, await findJob(client, reference), file, options)
      }),
    )
}

async function append(
  cli: Cli,
  client: Batchwright,
  job: Job,
  file: string,
  { part = job.draft?.next_part ?? 1, format, json = false }: AppendOptions,
): Promise<ExitCode> {
  const stored = await appendFile(cli, client, job.id, part, file, format)
  if (stored === 'detached') {
    printLine(cli.stderr, 'Upload stopped; nothing of this part is kept.')
    return exitCodes.detached
  }
  if (json) printJson(cli, stored)
  else printLine(cli.stderr, describePart(job.id, stored))
  return exitCodes.done
}
