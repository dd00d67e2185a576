import { randomUUID } from 'node:crypto'
import type { Job, Part, StartBody } from '../api/contracts/jobs.ts'
import type { JobSpec } from '../core/job-spec.ts'
import { uploadedSource, type CreateJobOptions } from './create-job.ts'
import type { Http } from './http.ts'
import type { ItemLine, Items, JobItems } from './item-source.ts'
import { sendUpload } from './repeated-upload.ts'

export type DraftOptions = Pick<CreateJobOptions, 'idempotencyKey' | 'ifExists' | 'signal'>
export type AddItemsOptions = Pick<CreateJobOptions, 'localFilesFrom' | 'onUploadProgress' | 'signal'>

/** All that `Items` may be, but another job. */
export type PartItems = Exclude<Items, JobItems>

/** A job's spec and its items, which are made while they are sent. */
export interface JobInParts extends JobSpec {
  readonly items: Iterable<ItemLine> | AsyncIterable<ItemLine>
}

export interface CreateInPartsOptions extends DraftOptions, Pick<AddItemsOptions, 'localFilesFrom'> {
  /** 10,000 if not given; so many are held in memory. A job that goes on needs the same number again. */
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
): Promise<Part> {
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
  )) as unknown as Part
}

export async function startDraft(http: Http, jobId: string, body: StartBody, signal?: AbortSignal): Promise<Job> {
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
  )) as unknown as Job
}

export async function createInParts(
  http: Http,
  { items, ...spec }: JobInParts,
  { itemsPerPart = 10_000, onPart, localFilesFrom, ...options }: CreateInPartsOptions = {},
): Promise<Job> {
  const { signal } = options
  const job = await createDraft(http, spec, options)
  if (job.draft === null) return job
  let parts = 0
  for await (const chunk of inChunks(items, itemsPerPart)) {
    parts += 1
    if (parts >= job.draft.next_part) await addItems(http, job.id, parts, chunk, { signal, localFilesFrom })
    onPart?.(parts)
  }
  return await startDraft(http, job.id, parts === 0 ? {} : { parts }, signal)
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
