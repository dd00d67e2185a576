import type { Config } from '../config/config.ts'
import type { Database } from '../db/database.ts'
import { createUploadLocks, type UploadLocks } from '../db/uploads.ts'
import { loadCatalog, type Catalog } from '../models/catalog.ts'
import { createEventHub, type EventHub } from './event-hub.ts'
import type { JobWorkflows } from './job-workflows.ts'

export interface ApiLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface AppOptions {
  readonly database: Database
  readonly temporal: JobWorkflows
  readonly config: Config
  readonly logger: ApiLogger
  /** Aborted when the process stops: open streams then end. */
  readonly stopping?: AbortSignal
  /** Between two looks of a stream at its job's counters, which change without an event, in milliseconds. */
  readonly progressMs?: number
}

const defaultProgressMs = 1000

/** What routes use. */
export interface Dependencies extends Required<AppOptions> {
  readonly catalog: Catalog
  readonly locks: UploadLocks
  readonly events: EventHub
}

export function createDependencies(options: AppOptions): Dependencies {
  return {
    stopping: new AbortController().signal,
    progressMs: defaultProgressMs,
    ...options,
    catalog: loadCatalog(options.config.models),
    locks: createUploadLocks(options.database),
    events: createEventHub(options.database, options.logger),
  }
}
