import { randomUUID } from 'node:crypto'
import { BatchwrightError, describeError } from '../../core/errors.ts'
import type { Endpoint, JobSpec } from '../../core/job-spec.ts'
import { claimPart, finishPart, loadDraft, releasePart, startDraft, type DraftJob, type StoredPart } from '../../db/drafts.ts'
import { findJob, type SummarizedJob } from '../../db/jobs.ts'
import type { Part, ReceivedPart } from '../contracts/drafts.ts'
import type { Dependencies } from '../dependencies.ts'
import { findProvider } from '../find-provider.ts'
import type { ByteLine } from './byte-lines.ts'
import { readingErrors, startSoon, storeItems, type JobUpload } from './create-job.ts'
import { createMeter } from './input-stream.ts'
import type { JobInput } from './job-input.ts'
import type { LineSummary } from './line-checker.ts'
import type { ResolvedSpec } from './spec.ts'

/** A job without items yet. What makes it the same again is its spec alone. */
export function draftInput(resolved: ResolvedSpec): Omit<JobUpload, 'idempotencyKey'> {
  const nothing = async function* (): AsyncGenerator<ByteLine[]> {}
  const meter = createMeter(`${resolved.canonical}\ndraft\n`, { maxBytes: 0 })
  return { resolved, meter, lines: nothing, drain: async () => {}, isDraft: true }
}

/** The spec of a draft as it was resolved when it was created. Throws `job_not_found` and `job_not_draft`. */
export async function findDraft(
  { database, config }: Dependencies,
  jobId: string,
): Promise<DraftJob & { resolved: ResolvedSpec }> {
  const job = await loadDraft(database.drizzle, jobId)
  const provider = findProvider(config.providers, job.provider)
  const { defaulted } = job.draft
  return { ...job, resolved: { spec: JSON.parse(job.spec) as JobSpec, provider, defaulted, canonical: null } }
}

/**
 * Stores a part of a draft, wholly or not at all. The same part with the same content again is there already. Lines are counted over the parts, but for what
 * is wrong with one, which names the line of the part. Throws
 * `part_differs` for other content under a number that is stored, `invalid_input`, `empty_input`, and what `claimPart` throws.
 */
export async function addPart(dependencies: Dependencies, jobId: string, part: number, input: JobInput): Promise<ReceivedPart> {
  const { database } = dependencies
  const receiving = randomUUID()
  const claimed = await claimPart(database, jobId, part, receiving)
  if ('stored' in claimed) {
    await readingErrors(input.drain)
    return await samePart(dependencies, claimed.stored, input.meter.contentHash())
  }
  const { draft } = claimed
  try {
    const counted = countLines(input, draft.draft.lines)
    const { items, summary, errors } = await storeItems(dependencies, { jobId, receiving }, counted.input, {
      items: draft.items,
      summary: draft.draft.summary as LineSummary | null,
    })
    if (input.resolved.spec.skip_invalid !== true) errors.throwIfAny(draft.draft.lines)
    if (counted.lines() === 0) throw new BatchwrightError('empty_input', `part ${part} has no items: give at least one line`)
    const stored = await finishPart(database, jobId, receiving, {
      part,
      contentHash: input.meter.contentHash(),
      items: items - draft.items,
      rejected: errors.count,
      lines: counted.lines(),
      bytes: input.meter.bytes,
      summary,
    })
    return receivedJson(stored, part + 1)
  } catch (error) {
    await releasePart(database, jobId, receiving).catch((failure: unknown) => {
      dependencies.logger.debug({ jobId, part, error: describeError(failure) }, 'a failed part is removed by the next request')
    })
    throw error
  }
}

/** Lets a draft run. Repeating it does nothing. Throws what `startDraft` throws. */
export async function startDraftJob(dependencies: Dependencies, jobId: string, parts: number | null): Promise<SummarizedJob> {
  const { database } = dependencies
  await startDraft(database, jobId, parts, ({ draft }) => {
    const { model, jobModel, endpoint, mixed, itemSchemas } = draft.summary as LineSummary
    return { model: model ?? jobModel, endpoint: endpoint as Endpoint | null, mixed, itemSchemas }
  })
  const job = await findJob(database, jobId)
  if (job.job.status === 'queued') await startSoon(dependencies, job)
  return job
}

async function samePart(dependencies: Dependencies, stored: StoredPart, contentHash: string): Promise<ReceivedPart> {
  const { jobId, part } = stored
  if (stored.contentHash !== contentHash) {
    throw new BatchwrightError('part_differs', `part ${part} of job ${jobId} is stored already, with other content`, {
      details: { job_id: jobId },
    })
  }
  const { draft } = await loadDraft(dependencies.database.drizzle, jobId)
  return receivedJson(stored, draft.parts + 1)
}

function receivedJson(stored: StoredPart, nextPart: number): ReceivedPart {
  return { ...partJson(stored), next_part: nextPart }
}

export function partJson({ part, items, rejected, contentHash, createdAt }: StoredPart): Part {
  return { part, items, rejected_lines: rejected, sha256: contentHash, created_at: createdAt.toISOString() }
}

/** Numbers the lines of a part after those before it, and tells the number of its last one. */
function countLines(input: JobInput, before: number): { input: JobInput; lines: () => number } {
  let count = 0
  async function* lines(): AsyncGenerator<ByteLine[]> {
    for await (const batch of input.lines()) {
      count = batch.at(-1)?.number ?? count
      yield batch.map((line) => ({ ...line, number: before + line.number }))
    }
  }
  return { input: { ...input, lines }, lines: () => count }
}
