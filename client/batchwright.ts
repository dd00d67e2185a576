import process from 'node:process'
import { createHttp } from './http.ts'
import { Jobs } from './jobs.ts'
import { Models } from './models.ts'
import { Providers } from './providers.ts'

export type { Batch } from '../api/contracts/batches.ts'
export type { Comparison } from '../api/contracts/comparisons.ts'
export type { Costs } from '../api/contracts/costs.ts'
export type { JobEventJson } from '../api/contracts/events.ts'
export type { Item, ItemDetail } from '../api/contracts/items.ts'
export type { Part, ReceivedPart } from '../api/contracts/drafts.ts'
export type { DryRun, Job, JobCommand, Reject } from '../api/contracts/jobs.ts'
export type { Model } from '../api/contracts/models.ts'
export type { Provider, ProviderCheck } from '../api/contracts/providers.ts'
export type { Result } from '../api/contracts/results.ts'
export { BatchwrightError } from '../core/errors.ts'
export type { CreateJobOptions, NewJob } from './create-job.ts'
export type { AddItemsOptions, CreateInPartsOptions, DraftOptions, JobInParts, PartItems } from './drafts.ts'
export type { FileItems, ItemLine, Items, JobItems, RawItems } from './item-source.ts'
export type { EventFilters, ItemFilters, JobFilters, ModelFilters } from './filters.ts'
export type { Jobs, ResultBytes } from './jobs.ts'
export type { Models } from './models.ts'
export type { Providers } from './providers.ts'
export type { ReadResultsOptions } from './read-results.ts'
export { isSettled, type WaitOptions } from './wait-for-job.ts'

export const defaultUrl = 'http://127.0.0.1:8787'

export interface BatchwrightOptions {
  /** Default: `BATCHWRIGHT_URL`, else `http://127.0.0.1:8787`. */
  readonly url?: string | undefined
  /** Default: `BATCHWRIGHT_API_KEY`. Needed by a server that listens on more than loopback. */
  readonly apiKey?: string | undefined
}

/**
 * A client of one Batchwright.
 *
 * ```ts
 * const batchwright = new Batchwright()
 * const job = await batchwright.jobs.create({ provider: 'openai', model: 'gpt-5-mini', items: [{ prompt: 'Say hello.' }] })
 * await batchwright.jobs.wait(job.id)
 * for await (const result of batchwright.jobs.results(job.id)) console.log(result.custom_id, result.text)
 * ```
 */
export class Batchwright {
  readonly url: string
  readonly jobs: Jobs
  readonly models: Models
  readonly providers: Providers

  constructor(options: BatchwrightOptions = {}) {
    const http = createHttp({
      url: firstGiven(options.url, process.env.BATCHWRIGHT_URL) ?? defaultUrl,
      apiKey: firstGiven(options.apiKey, process.env.BATCHWRIGHT_API_KEY),
    })
    this.url = http.url
    this.jobs = new Jobs(http)
    this.models = new Models(http)
    this.providers = new Providers(http)
  }
}

/** A variable that is set to nothing is not set. */
function firstGiven(...values: ReadonlyArray<string | undefined>): string | undefined {
  return values.find((value) => value !== undefined && value !== '')
}
