import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { createControlCommand } from '../control-command.ts'

export function resumeCommand(cli: Cli): Command {
  return createControlCommand(cli, {
    name: 'resume',
    summary: 'Go on with a paused job',
    examples: ['resume k7m2', 'resume reviews --json'],
    send: async (client, jobId) => await client.jobs.resume(jobId),
    said: ({ id }) => `goes on: batchwright watch ${id}`,
  })
}
