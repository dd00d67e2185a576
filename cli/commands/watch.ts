import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { findJob } from '../job-reference.ts'
import { parseDuration } from '../option-values.ts'
import { watchJob } from '../watching.ts'

export function watchCommand(cli: Cli): Command {
  return createCommand({
    name: 'watch',
    group: 'Jobs',
    summary: 'Show a job live until it ends or needs a person',
    examples: ['watch k7m2', 'watch reviews --timeout 2h'],
  })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .option('--timeout <DURATION>', 'stop watching after this long (exit 4), like 30m', parseDuration)
    .option('--json', 'at the end, print the job as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 3 finished with failed items, 4 timed out, 5 paused and needs a person, 130 detached (Ctrl-C).',
    )
    .action(
      runWith(cli, async (reference: string, options: { timeout?: number; json?: boolean }) => {
        const client = cli.client()
        const job = await findJob(client, reference)
        return await watchJob(cli, client, job.id, { timeoutMs: options.timeout, json: options.json })
      }),
    )
}
