import type { Batch } from '../api/contracts/batches.ts'
import type { Comparison } from '../api/contracts/comparisons.ts'
import type { Costs } from '../api/contracts/costs.ts'
import type { JobEventJson } from '../api/contracts/events.ts'
import type { Item, ItemDetail } from '../api/contracts/items.ts'
import type { Part, ReceivedPart, StartBody } from '../api/contracts/drafts.ts'
import type { DryRun, Job, JobCommand, Reject, RetryBody } from '../api/contracts/jobs.ts'
import { completeHeader, type Result, type ResultFormat } from '../api/contracts/results.ts'
import { BatchwrightError } from '../core/errors.ts'
import type { JobSpec } from '../core/job-spec.ts'
import { afterEffect } from './command-effect.ts'
import { createJob, dryRunJob, type CreateJobOptions, type NewJob } from './create-job.ts'
import {
  addItems,
  createDraft,
  createInParts,
  listParts,
  startDraft,
  type AddItemsOptions,
  type CreateInPartsOptions,
  type DraftOptions,
  type JobInParts,
  type PartItems,
} from './drafts.ts'
import { queryOf, type EventFilters, type ItemFilters, type JobFilters } from './filters.ts'
import { isConnectionFailure, type Http } from './http.ts'
import { allPages } from './paging.ts'
import { readJson } from './problem.ts'
import { readResults, type ReadResultsOptions } from './read-results.ts'
import { waitForJob, type WaitOptions } from './wait-for-job.ts'

/** Results as the server writes them. */
export interface ResultBytes {
  /** Once. Throws `connection_lost` when it breaks off before the end. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** Every item had its outcome when the first byte was written. */
  readonly isComplete: boolean
}

/**
 * The jobs of one Batchwright. A job is named by its whole id. All methods throw `BatchwrightError`. Commands (`cancel` to `retry`) are carried out by
 * the job's workflow: they resolve when the effect is seen, or after ten seconds without one, with the job as it then is.
 */
export class Jobs {
  readonly #http: Http

  constructor(http: Http) {
    this.#http = http
  }

  /** Creates a job; see `createJob` for what is repeated when. Throws `invalid_input` with the first errors in `details.errors`. */
  async create(job: NewJob, options: CreateJobOptions = {}): Promise<Job> {
    return await createJob(this.#http, job, options)
  }

  /** What `create` would make of it: everything is checked and planned, nothing is stored or sent. */
  async dryRun(job: NewJob, options: Omit<CreateJobOptions, 'idempotencyKey' | 'ifExists'> = {}): Promise<DryRun> {
    return await dryRunJob(this.#http, job, options)
  }

  /** A job whose items come in numbered parts, by `addItems`, until `start`. */
  async createDraft(spec: JobSpec, options: DraftOptions = {}): Promise<Job> {
    return await createDraft(this.#http, spec, options)
  }

  /**
   * Adds a part to a draft, wholly or not at all. Numbers begin with 1 and have no gap; the same number with the same items again adds nothing. Throws
   * `part_out_of_order` (details: `next_part`), `part_differs`, `job_not_draft`, and `invalid_input` as `create` does.
   */
  async addItems(jobId: string, part: number, items: PartItems, options: AddItemsOptions = {}): Promise<ReceivedPart> {
    return await addItems(this.#http, jobId, part, items, options)
  }

  /** Of a draft, also after its start, in order. */
  parts(jobId: string): AsyncGenerator<Part, void, undefined> {
    return listParts(this.#http, jobId)
  }

  /** Lets a draft run. With `parts`, throws `parts_missing` when it has not so many. Starting it again changes nothing. */
  async start(jobId: string, body: StartBody = {}): Promise<Job> {
    return await startDraft(this.#http, jobId, body)
  }

  /**
   * A job from items of any number, sent in parts: what breaks off is repeated from the beginning of a part, and a program that dies goes on with the
   * part that is missing when it calls this again with the same `idempotencyKey` and gives the same items. Throws `part_differs` where they are not the
   * same as those that are stored, and `empty_input`.
   */
  async createInParts(job: JobInParts, options: CreateInPartsOptions = {}): Promise<Job> {
    return await createInParts(this.#http, job, options)
  }

  /** Throws `job_not_found`. */
  async get(jobId: string): Promise<Job> {
    return await this.#json<Job>({ path: pathOf(jobId) })
  }

  /** Newest first. */
  list(filters: JobFilters = {}): AsyncGenerator<Job, void, undefined> {
    return allPages(this.#http, '/v1/jobs', queryOf(filters))
  }

  /** Resolves when the job has ended or needs a person; see `waitForJob`. */
  async wait(jobId: string, options: WaitOptions = {}): Promise<Job> {
    return await waitForJob(this.#http, jobId, options)
  }

  /** One at a time; what is finished so far. */
  results(jobId: string, options: ReadResultsOptions = {}): AsyncGenerator<Result, void, undefined> {
    return readResults(this.#http, jobId, options)
  }

  /** In a format of the server's, as bytes. With `raw` the provider's own lines, as `RawResult`; with `failed_as_input` the input lines of what did not succeed. */
  async resultBytes(
    jobId: string,
    options: { format?: ResultFormat; raw?: boolean; failed_as_input?: boolean; signal?: AbortSignal } = {},
  ): Promise<ResultBytes> {
    const { signal, ...query } = options
    const response = await this.#http.send({ path: `${pathOf(jobId)}/results`, query, signal })
    return { bytes: wholeBody(response, this.#http.url), isComplete: response.headers.get(completeHeader) === 'true' }
  }

  /** In input order. */
  items(jobId: string, filters: ItemFilters = {}): AsyncGenerator<Item, void, undefined> {
    return allPages(this.#http, `${pathOf(jobId)}/items`, queryOf(filters))
  }

  /** One item with everything that happened to it. Throws `item_not_found`. */
  async item(jobId: string, seq: number): Promise<ItemDetail> {
    return await this.#json<ItemDetail>({ path: `${pathOf(jobId)}/items/${seq}` })
  }

  /** In order; of a running job, those so far. */
  events(jobId: string, filters: EventFilters = {}): AsyncGenerator<JobEventJson, void, undefined> {
    return allPages(this.#http, `${pathOf(jobId)}/events`, queryOf(filters))
  }

  /** Lines of the input that were left out (`skip_invalid`), in its order. */
  rejects(jobId: string): AsyncGenerator<Reject, void, undefined> {
    return allPages(this.#http, `${pathOf(jobId)}/rejects`)
  }

  batches(jobId: string): AsyncGenerator<Batch, void, undefined> {
    return allPages(this.#http, `${pathOf(jobId)}/batches`)
  }

  /** What two jobs made of the same items, matched by `custom_id`. */
  async compare(firstJobId: string, secondJobId: string): Promise<Comparison> {
    return await this.#json<Comparison>({ path: `${pathOf(firstJobId)}/compare/${encodeURIComponent(secondJobId)}` })
  }

  async costs(jobId: string): Promise<Costs> {
    return await this.#json<Costs>({ path: `${pathOf(jobId)}/costs` })
  }

  /** Finished answers are kept; what the providers have not begun is not paid for. Throws `job_finished`, `job_already_cancelling`, … */
  async cancel(jobId: string): Promise<Job> {
    return await this.#command(jobId, 'cancel')
  }

  /** Sends nothing more; what runs is paid for, and is fetched. */
  async pause(jobId: string): Promise<Job> {
    return await this.#command(jobId, 'pause')
  }

  async resume(jobId: string): Promise<Job> {
    return await this.#command(jobId, 'resume')
  }

  /** Asks the provider now instead of at the next poll. */
  async poll(jobId: string): Promise<Job> {
    return await this.#command(jobId, 'poll')
  }

  /** Sends the items of a finished job that did not succeed again; with `classes` only those. */
  async retry(jobId: string, body: RetryBody = {}): Promise<Job> {
    return await this.#command(jobId, 'retry', body)
  }

  /** A finished job with all that belongs to it, or a draft. Throws `job_not_finished`. */
  async delete(jobId: string): Promise<void> {
    await this.#http.send({ method: 'DELETE', path: pathOf(jobId) })
  }

  async #command(jobId: string, command: JobCommand, body: object = {}): Promise<Job> {
    const accepted = await this.#json<Job>({
      method: 'POST',
      path: `${pathOf(jobId)}/${command}`,
      headers: { 'content-type': 'application/json' },
      body: () => JSON.stringify(body),
    })
    return await afterEffect(command, accepted, async () => await this.get(jobId))
  }

  async #json<Body>(request: Parameters<Http['send']>[0]): Promise<Body> {
    return (await readJson(await this.#http.send(request))) as Body
  }
}

function pathOf(jobId: string): string {
  return `/v1/jobs/${encodeURIComponent(jobId)}`
}

async function* wholeBody(response: Response, url: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (response.body !== null) yield* response.body
  } catch (error) {
    if (!isConnectionFailure(error)) throw error
    throw new BatchwrightError('connection_lost', `the connection to ${url} broke before the end: try again`, { cause: error })
  }
}
