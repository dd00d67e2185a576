import { createHash, randomUUID } from 'node:crypto'
import type { Part, ReceivedPart, StartBody } from '../api/contracts/drafts.ts'
import type { Job } from '../api/contracts/jobs.ts'
import { BatchwrightError } from '../core/errors.ts'
import type { JobSpec } from '../core/job-spec.ts'
import { uploadedSource, type CreateJobOptions } from './create-job.ts'
import type { Http } from './http.ts'
import type { ItemLine, Items, ItemSource, JobItems } from './item-source.ts'
import { allPages } from './paging.ts'
import { sendUpload } from './repeated-upload.ts'

export type DraftOptions = Pick<CreateJobOptions, 'idempotencyKey' | 'ifExists' | 'signal'>
export type AddItemsOptions = Pick<CreateJobOptions, 'localFilesFrom' | 'onUploadProgress' | 'signal'>

/** All that `Items` may be, but another job. */
export type PartItems = Exclude<Items, JobItems>

/** A job's spec and its items, which are made while they are sent. */
export interface JobInParts extends JobSpec {
  readonly items: Iterable<ItemLine> | AsyncIterable<ItemLine>
}

export interface CreateInPartsOptions
  extends Pick<DraftOptions, 'idempotencyKey' | 'signal'>, Pick<AddItemsOptions, 'localFilesFrom'> {
  /** 10,000 if not given; so many are held in memory. Who goes on gives the same number again. */
  readonly itemsPerPart?: number | undefined
  /** A part is stored, or was before. */
  readonly onPart?: ((part: number) => void) | undefined
}

const json = { 'content-type': 'application/json' }

export async function createDraft(
  http: Http,
  spec: JobSpec,
  { idempotencyKey = randomUUID(), ifExists, signal }: DraftOptions = {},
): Promise<Job> {
  const body = JSON.stringify({ ...spec, draft: true })
  return (await sendUpload(
    http,
    {
      method: 'POST',
      path: '/v1/jobs',
      query: { if_exists: ifExists },
      headers: { ...json, 'idempotency-key': idempotencyKey },
      body: () => body,
      signal,
    },
    true,
  )) as unknown as Job
}

export async function addItems(
  http: Http,
  jobId: string,
  part: number,
  items: PartItems,
  { signal, ...options }: AddItemsOptions = {},
  again: { isThere?: boolean } = {},
): Promise<ReceivedPart> {
  const source = await uploadedSource(items, options)
  return (await sendUpload(
    http,
    {
      method: 'POST',
      path: `/v1/jobs/${encodeURIComponent(jobId)}/items`,
      query: { part },
      headers: { 'content-type': source.mediaType },
      body: () => ReadableStream.from(source.open()),
      signal,
    },
    source.isRepeatable,
    again,
  )) as unknown as ReceivedPart
}

export async function startDraft(
  http: Http,
  jobId: string,
  body: StartBody,
  { signal, isThere = false }: { signal?: AbortSignal | undefined; isThere?: boolean } = {},
): Promise<Job> {
  return (await sendUpload(
    http,
    {
      method: 'POST',
      path: `/v1/jobs/${encodeURIComponent(jobId)}/start`,
      headers: json,
      body: () => JSON.stringify(body),
      signal,
    },
    true,
    { isThere },
  )) as unknown as Job
}

export function listParts(http: Http, jobId: string): AsyncGenerator<Part, void, undefined> {
  return allPages(http, `/v1/jobs/${encodeURIComponent(jobId)}/parts`)
}

export async function createInParts(
  http: Http,
  { items, ...spec }: JobInParts,
  { itemsPerPart = 10_000, onPart, localFilesFrom, ...options }: CreateInPartsOptions = {},
): Promise<Job> {
  if (!Number.isInteger(itemsPerPart) || itemsPerPart < 1)
    throw new BatchwrightError('invalid_items', `itemsPerPart is ${itemsPerPart}: give a whole number from 1`)
  const { signal } = options
  const job = await createDraft(http, spec, options)
  const stored = new Map<number, Part>()
  if (job.draft?.next_part !== 1) for await (const part of listParts(http, job.id)) stored.set(part.part, part)
  let parts = 0
  for await (const chunk of inChunks(items, itemsPerPart)) {
    parts += 1
    const known = stored.get(parts)
    // What is there is not sent again; that it is the same is certain all the same, or items would be lost without a word.
    if (known !== undefined) await requireSame(job.id, known, await uploadedSource(chunk, { localFilesFrom }))
    else if (job.draft === null) throw partDiffers(job.id, `has started with ${stored.size} parts, and there are more items`)
    else await addItems(http, job.id, parts, chunk, { signal, localFilesFrom }, { isThere: true })
    onPart?.(parts)
  }
  if (parts === 0) throw new BatchwrightError('empty_input', 'there are no items: give at least one')
  if (parts < stored.size) throw partDiffers(job.id, `has ${stored.size} parts already, and there are items for ${parts} only`)
  return job.draft === null ? job : await startDraft(http, job.id, { parts }, { signal, isThere: true })
}

async function requireSame(jobId: string, { part, sha256 }: Part, source: ItemSource): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of source.open()) hash.update(chunk)
  if (hash.digest('hex') !== sha256) throw partDiffers(jobId, `has a part ${part} of other items`)
}

function partDiffers(jobId: string, what: string): BatchwrightError {
  const remedy = 'give the same items in the same order, with the same itemsPerPart, or use a new idempotencyKey'
  return new BatchwrightError('part_differs', `job ${jobId} ${what}: ${remedy}`, { details: { job_id: jobId } })
}

async function* inChunks(items: JobInParts['items'], size: number): AsyncGenerator<ItemLine[]> {
  let chunk: ItemLine[] = []
  for await (const item of items) {
    chunk.push(item)
    if (chunk.length < size) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}
