import type { WorkflowClient } from '@temporalio/client'
import type { ProviderCapacity } from '../core/admission.ts'
import type { JobSpec } from '../core/job-spec.ts'
import type { Redact } from '../core/redaction.ts'
import type { Database } from '../db/database.ts'
import type { ProviderRegistry } from '../providers/registry.ts'

/** Points at which a crash test kills the process; in production reaching one does nothing. */
export type CrashPoint =
  | 'upload.before_record'
  | 'submit.after_intent'
  | 'submit.before_post'
  | 'submit.after_accept'
  | 'fetch.mid_file'
  | 'fetch.before_commit'
  | 'finalize.before_commit'

export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The settings of this service that activities obey; a job's own spec wins over them. */
export interface ActivitySettings {
  readonly polling: (provider: string) => ReadonlyArray<JobSpec['polling']>
  readonly retry: (provider: string) => ReadonlyArray<JobSpec['retry']>
  /** Null: this worker does not have that provider, and decides nothing about its room. */
  readonly capacity: (provider: string) => ProviderCapacity | null
  readonly submission: (provider: string) => SubmissionTiming
  readonly unserved: UnservedTiming
  /** How long jobs are kept after their end (null: for ever), and drafts after their last part. */
  readonly retention: { readonly keepJobsMs: number | null; readonly keepDraftsMs: number }
  readonly spoolDirectory: string
  /** Told when a job ended; signed as Standard Webhooks. */
  readonly webhook: { readonly url: string; readonly secret: string | null } | null
  /** Whether the search attributes are registered, so that workflows may set them. */
  readonly searchAttributes: boolean
}

/** All in milliseconds. */
export interface SubmissionTiming {
  /** How long one create call may take; no request leaves after it. */
  readonly sendWindowMs: number
  /** How long after that deadline a submission whose fate is unknown is looked for. */
  readonly settleAfterMs: number
  /** Between the two complete listings that must both miss a batch. */
  readonly settlePauseMs: number
}

/** How a provider without a worker is noticed. All in milliseconds. */
export interface UnservedTiming {
  /** An activity that no worker has taken for this long may have no worker with its key. */
  readonly afterMs: number
  /** A worker that has not announced itself for this long is gone. */
  readonly goneAfterMs: number
}

export interface ActivityDependencies {
  readonly database: Database
  readonly providers: ProviderRegistry
  readonly workflows: WorkflowClient
  readonly settings: ActivitySettings
  readonly logger: Logger
  /** Of every message that is stored or shown and is not our own. */
  readonly redact: Redact
  readonly reach: (point: CrashPoint) => void | Promise<void>
}
