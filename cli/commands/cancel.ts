import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { createControlCommand } from '../control-command.ts'

export function cancelCommand(cli: Cli): Command {
  return createControlCommand(cli, {
    name: 'cancel',
    summary: 'Cancel a job; the answers that are finished are kept',
    examples: ['cancel k7m2', 'cancel reviews --json'],
    send: async (client, jobId) => await client.jobs.cancel(jobId),
    said: ({ id, status }) => `is ${status}; answers that are finished are kept: batchwright watch ${id}`,
  })
}
