import type { Command } from 'commander'
import type { Batchwright, Job, JobCommand } from '../client/batchwright.ts'
import { hasTakenEffect } from '../client/command-effect.ts'
import { printJson, printLine, type Cli } from './cli.ts'
import { createCommand, runWith, type CommandDescription } from './command.ts'
import { findJob } from './job-reference.ts'

export interface ControlDescription<Options> extends Omit<CommandDescription, 'group'> {
  readonly name: JobCommand
  readonly send: (client: Batchwright, jobId: string, options: Options) => Promise<Job>
  /** Goes on after "Job <id> " once the effect is there. */
  readonly said: (job: Job) => string
}

/** A command that is carried out by the job's workflow: found, sent, and its effect told. */
export function createControlCommand<Options>(cli: Cli, { send, said, ...description }: ControlDescription<Options>): Command {
  return createCommand({ ...description, group: 'Control' })
    .argument('<JOB>', 'id, unique beginning of an id, or name')
    .option('--json', 'print the job as JSON')
    .action(
      runWith(cli, async (reference: string, options: Options & { json?: boolean }) => {
        const client = cli.client()
        const before = await findJob(client, reference)
        const job = await send(client, before.id, options)
        if (options.json === true) printJson(cli, job)
        else if (hasTakenEffect(description.name, before, job)) printLine(cli.stderr, `Job ${job.id} ${said(job)}`)
        else
          printLine(
            cli.stderr,
            `Job ${job.id} is still ${job.status}: the command is kept until a worker takes it up; is one running?`,
          )
      }),
    )
}
