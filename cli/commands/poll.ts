import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { createControlCommand } from '../control-command.ts'

export function pollCommand(cli: Cli): Command {
  return createControlCommand(cli, {
    name: 'poll',
    summary: 'Ask the provider about a job now instead of at the next poll',
    examples: ['poll k7m2', 'poll reviews --json'],
    send: async (client, jobId) => await client.jobs.poll(jobId),
    said: ({ id }) => `is being polled: batchwright watch ${id}`,
  })
}
