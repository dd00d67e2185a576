import { dirname, resolve } from 'node:path'
import type { Batchwright, CreateJobOptions, ReceivedPart } from '../client/batchwright.ts'
import type { JobSpec } from '../core/job-spec.ts'
import { printJson, printLine, type Cli } from './cli.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { countOf } from './quantities.ts'
import { rejectsPathOf, reportRejects } from './rejects.ts'
import { fileItems } from './submitted-items.ts'
import { uploading } from './uploading.ts'

export interface NewDraft {
  readonly spec: JobSpec
  /** Null: it has no items yet. */
  readonly file: string | null
  readonly format: 'jsonl' | 'csv' | undefined
  readonly idempotencyKey: string | undefined
  readonly ifExists: CreateJobOptions['ifExists']
  /** Where lines go that are left out; with `skip_invalid`. */
  readonly rejects: string | undefined
  readonly json: boolean
}

/** Creates a job that runs only when it is started, with a file as its first part. If that can't be taken, there is no job. */
export async function submitDraft(cli: Cli, client: Batchwright, draft: NewDraft): Promise<ExitCode> {
  const { spec, file, format, idempotencyKey, ifExists, json } = draft
  const job = await client.jobs.createDraft(spec, { idempotencyKey, ifExists })
  const isThere = job.draft === null || (ifExists === 'attach' && job.draft.next_part > 1)
  if (isThere) {
    printLine(
      cli.stderr,
      `Job ${job.id} is there already (${job.draft === null ? job.status : 'a draft'}); nothing is added to it.`,
    )
  } else if (file === null) {
    printLine(cli.stderr, draftNote(job.id))
  } else {
    const giveUp = async (): Promise<void> => {
      // One that was there before is nobody's to throw away. Whether it is gone must not hide what went wrong before.
      const isOurs = idempotencyKey === undefined && ifExists !== 'attach'
      const isGone =
        isOurs &&
        (await client.jobs.delete(job.id).then(
          () => true,
          () => false,
        ))
      if (!isGone)
        printLine(cli.stderr, `Job ${job.id} stays, a draft without this file. Remove it with: batchwright delete ${job.id}`)
    }
    const stored = await appendFile(cli, client, job.id, 1, file, format).catch(async (error: unknown) => {
      await giveUp()
      throw error
    })
    if (stored === 'detached') {
      printLine(cli.stderr, 'Upload stopped.')
      await giveUp()
      return exitCodes.detached
    }
    printLine(cli.stderr, describePart(job.id, stored))
    if (stored.rejected_lines > 0)
      await reportRejects(cli, client, await client.jobs.get(job.id), draft.rejects ?? rejectsPathOf(file))
  }
  if (json) printJson(cli, await client.jobs.get(job.id))
  else printLine(cli.stdout, job.id)
  return exitCodes.done
}

/** Sends a file as a part of a draft. */
export async function appendFile(
  cli: Cli,
  client: Batchwright,
  jobId: string,
  part: number,
  file: string,
  format: 'jsonl' | 'csv' | undefined,
): Promise<ReceivedPart | 'detached'> {
  const items = fileItems(cli, file, format)
  const localFilesFrom = file === '-' ? process.cwd() : dirname(resolve(file))
  return await uploading(
    cli,
    items,
    async (options) => await client.jobs.addItems(jobId, part, items, { ...options, localFilesFrom }),
  )
}

/** What is stored of a draft, and what to do next. */
export function describePart(jobId: string, { part, items, rejected_lines }: ReceivedPart, isDraft = true): string {
  const left = rejected_lines === 0 ? '' : `, ${countOf(rejected_lines, 'line')} left out`
  return `Part ${part} of job ${jobId}: ${countOf(items, 'item')}${left}. ${isDraft ? whatNext(jobId) : 'The job was started with it.'}`
}

export function draftNote(jobId: string): string {
  return `Job ${jobId} is a draft. ${whatNext(jobId)}`
}

function whatNext(jobId: string): string {
  return `Add to it with: batchwright append ${jobId} FILE; let it run with: batchwright start ${jobId}`
}
