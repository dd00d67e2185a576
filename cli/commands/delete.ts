import type { Command } from 'commander'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { findJob } from '../job-reference.ts'

export function deleteCommand(cli: Cli): Command {
  return createCommand({
    name: 'delete',
    group: 'Control',
    summary: 'Delete a finished job with its items and answers, for good',
    examples: ['delete k7m2x9qd4hta', 'delete k7m2 --json'],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .option('--json', 'print what was deleted as JSON')
    .action(
      runWith(cli, async (reference: string, options: { json?: boolean }) => {
        const client = cli.client()
        const job = await findJob(client, reference)
        await client.jobs.delete(job.id)
        if (options.json === true) printJson(cli, { id: job.id, deleted: true })
        else printLine(cli.stderr, `Job ${job.id}${job.name === null ? '' : ` (${job.name})`} is deleted`)
      }),
    )
}
