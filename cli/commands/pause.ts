import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { createControlCommand } from '../control-command.ts'

export function pauseCommand(cli: Cli): Command {
  return createControlCommand(cli, {
    name: 'pause',
    summary: 'Send nothing more of a job until it is resumed; what runs is still fetched',
    examples: ['pause k7m2', 'pause reviews --json'],
    send: async (client, jobId) => await client.jobs.pause(jobId),
    said: ({ id }) => `is paused: it sends nothing more, what runs is fetched; go on with: batchwright resume ${id}`,
  })
}
