import { randomUUID } from 'node:crypto'
import type { DryRun, Job } from '../api/contracts/jobs.ts'
import type { JsonObject } from '../core/json.ts'
import type { JobSpec } from '../core/job-spec.ts'
import { firstLines } from './first-lines.ts'
import type { Http } from './http.ts'
import { isJobItems, itemSourceOf, withProgress, type ItemSource, type Items, type JobItems } from './item-source.ts'
import { withLocalFiles } from './local-files.ts'
import { multipartBody } from './multipart.ts'
import { sendUpload } from './repeated-upload.ts'

/** A job's spec and its items. */
export interface NewJob extends JobSpec {
  readonly items: Items
}

export interface CreateJobOptions {
  /** Repeating a call with the same key and content gives the same job. Default: one of its own for each call. */
  readonly idempotencyKey?: string | undefined
  /**
   * If a job has this name already: `error` throws `job_exists`, `attach` gives the existing one, whatever its items. Default: names may be used again.
   */
  readonly ifExists?: 'error' | 'attach' | undefined
  /** `totalBytes` is null when it is not known; `sentBytes` starts again at 0 when the upload is repeated. */
  readonly onUploadProgress?: ((sentBytes: number, totalBytes: number | null) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * A folder: image and file parts of neutral lines may then name a local file (`{"type": "image", "path": "cat.png"}`), relative to it, which is sent as
   * base64. Throws `invalid_input` for one that can't be read or is too large. Without this no file is read, and the API refuses such a part.
   */
  readonly localFilesFrom?: string | undefined
}

/**
 * Uploads the items as a stream and creates the job. A broken upload of a source that can be read again is repeated with the same
 * key, so that there is one job whatever happened to the first try.
 */
export async function createJob(http: Http, job: NewJob, options: CreateJobOptions = {}): Promise<Job> {
  return (await upload(http, job, { if_exists: options.ifExists }, options)) as unknown as Job
}

/** Checks and plans the job, and leaves nothing of it. */
export async function dryRunJob(http: Http, job: NewJob, options: CreateJobOptions = {}): Promise<DryRun> {
  return (await upload(http, job, { dry_run: 'true' }, options)) as unknown as DryRun
}

async function upload(
  http: Http,
  { items, ...spec }: NewJob,
  query: Record<string, string | undefined>,
  options: CreateJobOptions,
): Promise<JsonObject> {
  const { signal, idempotencyKey = randomUUID() } = options
  const { body, isRepeatable } = await bodyOf(spec, items, options)
  const headers = { 'content-type': body.contentType, 'idempotency-key': idempotencyKey }
  return await sendUpload(http, { method: 'POST', path: '/v1/jobs', query, headers, body: body.open, signal }, isRepeatable)
}

async function bodyOf(
  spec: JobSpec,
  items: Items,
  { onUploadProgress, localFilesFrom }: CreateJobOptions,
): Promise<{ body: { contentType: string; open: () => string | ReadableStream<Uint8Array> }; isRepeatable: boolean }> {
  if (isJobItems(items)) {
    const text = JSON.stringify({ ...spec, from: items.job })
    return { body: { contentType: 'application/json', open: () => text }, isRepeatable: true }
  }
  const source = await uploadedSource(items, { onUploadProgress, localFilesFrom }, firstItemsOf(spec))
  return { body: multipartBody(spec, source), isRepeatable: source.isRepeatable }
}

/** How many lines are enough for `limit`; undefined where only the server can tell, because it leaves some out. */
function firstItemsOf({ limit, skip_invalid: skipInvalid }: JobSpec): number | undefined {
  return skipInvalid === true ? undefined : limit
}

/** The items as they are sent. What is told is how much of the items themselves is read: only that has a size that is known ahead. */
export async function uploadedSource(
  items: Exclude<Items, JobItems>,
  { onUploadProgress, localFilesFrom }: Pick<CreateJobOptions, 'onUploadProgress' | 'localFilesFrom'>,
  firstItems?: number,
): Promise<ItemSource> {
  const plainSource = await itemSourceOf(items)
  const cutSource =
    firstItems === undefined || plainSource.mediaType === 'text/csv' ? plainSource : firstLines(plainSource, firstItems)
  const readSource = onUploadProgress === undefined ? cutSource : withProgress(cutSource, onUploadProgress)
  return localFilesFrom === undefined ? readSource : withLocalFiles(readSource, localFilesFrom)
}
