import type { Command } from 'commander'
import type { ErrorClass } from '../../core/error-classes.ts'
import type { Cli } from '../cli.ts'
import { createControlCommand } from '../control-command.ts'
import { parseErrorClasses } from '../option-values.ts'

export function retryCommand(cli: Cli): Command {
  return createControlCommand<{ errorClass?: ErrorClass[] }>(cli, {
    name: 'retry',
    summary: 'Send the items of a finished job that did not succeed again',
    examples: ['retry k7m2', 'retry k7m2 --error-class expired,missing'],
    send: async (client, jobId, { errorClass }) =>
      await client.jobs.retry(jobId, errorClass === undefined ? {} : { classes: errorClass }),
    said: ({ id }) => `runs again: batchwright watch ${id}`,
  }).option('--error-class <LIST>', 'only items that ended with one of these, separated by commas', parseErrorClasses)
}
