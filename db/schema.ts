import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { BatchResult, BatchStatus, JobStatus, OutcomeStatus, PauseReason, SubmissionState } from '../core/statuses.ts'
import type { ErrorClass } from '../core/error-classes.ts'
import type { Endpoint } from '../core/job-spec.ts'

/*
 * Conventions. Money is nano-dollars in a bigint. JSON that came from a user or a provider is `text`, never `jsonb`: that reorders keys and
 * refuses \u0000. Items, outcomes, attempts and batch_items have no foreign keys: they are written in bulk by code that holds
 * the job, and deleted with it.
 */

/** A job whose items come in numbered parts, until it is started. */
export interface DraftState {
  /** Parts that are stored. */
  readonly parts: number
  /** Lines of these parts. */
  readonly lines: number
  /** Fields of the spec that are defaults of the service, not the user's choice. */
  readonly defaulted: readonly string[]
  /** What the lines so far have in common; of no concern here. Null: there are none. */
  readonly summary: unknown
}

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })
const nanos = (name: string) => bigint(name, { mode: 'bigint' })
const count = (name: string) => integer(name).notNull().default(0)

export const jobs = pgTable(
  'jobs',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull().default('default'),
    /** Freed (null) when the upload fails. */
    idempotencyKey: text('idempotency_key'),
    /** SHA-256 of the spec and the uploaded bytes: what "the same content" means for an idempotency key. */
    contentHash: text('content_hash'),
    name: text('name'),
    status: text('status').$type<JobStatus>().notNull(),
    pauseReason: text('pause_reason').$type<PauseReason>(),
    pauseDetail: text('pause_detail'),
    provider: text('provider').notNull(),
    /** Null when native lines name their own. */
    model: text('model'),
    endpoint: text('endpoint').$type<Endpoint>(),
    simulated: boolean('simulated').notNull(),
    /** Null: its items came at once. */
    draft: jsonb('draft').$type<DraftState>(),
    /** Of a draft: who may store items now. A later request for the same part takes it over. */
    receiving: text('receiving'),
    /** Of a draft: when somebody last created it or brought a part. */
    touchedAt: instant('touched_at'),
    /** The job spec as JSON, defaults of the service resolved into it. */
    spec: text('spec').notNull(),
    tags: jsonb('tags').$type<Record<string, string>>().notNull().default({}),
    priority: integer('priority').notNull().default(10),
    /** Items name more than one (endpoint, model): batches then list their items even in round 1. */
    mixed: boolean('mixed').notNull().default(false),
    /** Some lines carry a schema of their own. */
    itemSchemas: boolean('item_schemas').notNull().default(false),
    items: count('items'),
    /** Lines of the input that were left out. */
    rejected: count('rejected'),
    succeeded: count('succeeded'),
    failed: count('failed'),
    expired: count('expired'),
    cancelled: count('cancelled'),
    attempts: count('attempts'),
    /** Answers whose model has no known price: the cost is then a lower bound, and said to be. */
    unpriced: count('unpriced'),
    inputTokens: bigint('input_tokens', { mode: 'number' }).notNull().default(0),
    outputTokens: bigint('output_tokens', { mode: 'number' }).notNull().default(0),
    costNanos: nanos('cost_nanos')
      .notNull()
      .default(sql`0`),
    inputBytes: bigint('input_bytes', { mode: 'number' }).notNull().default(0),
    round: smallint('round').notNull().default(0),
    /** The round from which `retry.max_rounds` counts; `retry` moves it. */
    firstRound: smallint('first_round').notNull().default(1),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    eventCount: count('event_count'),
    cancelRequestedAt: instant('cancel_requested_at'),
    createdAt: instant('created_at').notNull().defaultNow(),
    queuedAt: instant('queued_at'),
    startedAt: instant('started_at'),
    endedAt: instant('ended_at'),
    /** Gone for everybody from then on; its rows go after it. */
    deletedAt: instant('deleted_at'),
  },
  (table) => [
    unique('jobs_idempotency').on(table.tenant, table.idempotencyKey),
    index('jobs_created').on(table.createdAt, table.id),
    index('jobs_name').on(table.name),
    index('jobs_open')
      .on(table.status)
      .where(sql`${table.status} in ('validating', 'queued', 'in_progress', 'finalizing', 'cancelling', 'paused')`),
  ],
)

/** Immutable once the job is queued. `seq` counts from 1. */
export const items = pgTable(
  'items',
  {
    jobId: text('job_id').notNull(),
    seq: integer('seq').notNull(),
    customId: text('custom_id').notNull(),
    /** The input line as received; for CSV, the neutral line made of the row. */
    line: text('line').notNull(),
    /** Exact size of the provider's own line with its line end, for the job's model. */
    bytes: integer('bytes').notNull(),
    /** Estimated input tokens. */
    tokens: integer('tokens').notNull(),
    /** Set when the line names its own. */
    endpoint: text('endpoint'),
    model: text('model'),
    /** The user's own JSON, apart from the line so that results need not read it. */
    metadata: text('metadata'),
    /** JSON array of what was dropped or changed for the provider. */
    warnings: text('warnings'),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.seq] }), uniqueIndex('items_custom_id').on(table.jobId, table.customId)],
)

/** Lines of a job's input that were left out, where the job was to go on without them. */
export const rejects = pgTable(
  'rejects',
  {
    jobId: text('job_id').notNull(),
    /** Of the input file, from 1. */
    line: integer('line').notNull(),
    field: text('field'),
    reason: text('reason').notNull(),
    /** As received, with U+FFFD for what is not UTF-8; for CSV the neutral line made of the row. Null when it was too long to be read. */
    text: text('text'),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.line] })],
)

/** Parts of drafts that are stored, so that a part that comes again is known. */
export const parts = pgTable(
  'parts',
  {
    jobId: text('job_id').notNull(),
    /** Counts from 1. */
    part: integer('part').notNull(),
    contentHash: text('content_hash').notNull(),
    items: integer('items').notNull(),
    rejected: integer('rejected').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.part] })],
)

export const batches = pgTable(
  'batches',
  {
    jobId: text('job_id').notNull(),
    /** Counts from 1 within the job and never restarts. */
    batch: integer('batch').notNull(),
    round: smallint('round').notNull(),
    shard: integer('shard').notNull(),
    /** The refused batch that this one is a part of. */
    splitFrom: integer('split_from'),
    provider: text('provider').notNull(),
    simulated: boolean('simulated').notNull(),
    model: text('model').notNull(),
    endpoint: text('endpoint').notNull(),
    status: text('status').$type<BatchStatus>().notNull().default('planned'),
    result: text('result').$type<BatchResult>(),
    /** The items: a seq range, or rows of batch_items when `listed`. */
    listed: boolean('listed').notNull(),
    seqFrom: integer('seq_from').notNull(),
    seqTo: integer('seq_to').notNull(),
    items: integer('items').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    tokens: bigint('tokens', { mode: 'number' }).notNull(),
    /** Uploads so far; each has a token and a file of its own. */
    attempt: smallint('attempt').notNull().default(0),
    token: text('token'),
    requestHash: text('request_hash'),
    inputFileId: text('input_file_id'),
    keyFingerprint: text('key_fingerprint'),
    providerBatchId: text('provider_batch_id'),
    providerStatus: text('provider_status'),
    /** As last reported; hints for the progress line and the cadence. */
    reportedDone: integer('reported_done'),
    reportedFailed: integer('reported_failed'),
    /** When those counts last moved, or the batch was created: a batch that stands still is polled less and less. */
    progressedAt: instant('progressed_at'),
    polls: count('polls'),
    /** Outcomes and attempts taken from its result files. */
    answered: count('answered'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    /** Times that it went back to admission for the provider's token limit: its wait doubles. */
    readmissions: smallint('readmissions').notNull().default(0),
    createdAt: instant('created_at').notNull().defaultNow(),
    submittedAt: instant('submitted_at'),
    expiresAt: instant('expires_at'),
    nextPollAt: instant('next_poll_at'),
    endedAt: instant('ended_at'),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.batch] }),
    unique('batches_shard').on(table.jobId, table.round, table.shard),
    index('batches_open')
      .on(table.status)
      .where(sql`${table.status} <> 'ended'`),
  ],
)

export const batchItems = pgTable(
  'batch_items',
  { jobId: text('job_id').notNull(), batch: integer('batch').notNull(), seq: integer('seq').notNull() },
  (table) => [primaryKey({ columns: [table.jobId, table.batch, table.seq] })],
)

/** One try at creating a batch at the provider. */
export const submissions = pgTable(
  'submissions',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    jobId: text('job_id').notNull(),
    batch: integer('batch').notNull(),
    /** The batch attempt whose token and file it sends. */
    attempt: smallint('attempt').notNull(),
    provider: text('provider').notNull(),
    simulated: boolean('simulated').notNull(),
    token: text('token').notNull(),
    inputFileId: text('input_file_id'),
    items: integer('items').notNull().default(0),
    /**
     * Where batches are created without a file, all that a listing tells of one is its key, its time and the number of its requests: two
     * submissions that are alike in these are never undecided at once. Null: the file tells them apart.
     */
    lookAlike: text('look_alike'),
    /** Found by its looks alone: it counts as ours when its results do. */
    provisional: boolean('provisional').notNull().default(false),
    /** Batches at the provider that looked like this one, and are somebody else's. */
    notOurs: jsonb('not_ours').$type<string[]>().notNull().default([]),
    requestHash: text('request_hash').notNull(),
    keyFingerprint: text('key_fingerprint').notNull(),
    state: text('state').$type<SubmissionState>().notNull(),
    /** By the database's clock; no request of this submission leaves after it. */
    sendDeadline: instant('send_deadline').notNull(),
    intendedAt: instant('intended_at').notNull().defaultNow(),
    sentAt: instant('sent_at'),
    settledAt: instant('settled_at'),
    providerBatchId: text('provider_batch_id'),
    error: text('error'),
  },
  (table) => [
    // The database itself refuses a second submission of a batch while one is under way, created or undecided.
    uniqueIndex('submissions_one_live')
      .on(table.jobId, table.batch)
      .where(sql`${table.state} in ('intended', 'sending', 'created', 'quarantined')`),
    uniqueIndex('submissions_one_look_alike')
      .on(table.lookAlike)
      .where(sql`${table.lookAlike} is not null and ${table.state} in ('intended', 'sending', 'quarantined')`),
    // A provider's batch has one owner.
    uniqueIndex('submissions_owner')
      .on(table.provider, table.providerBatchId)
      .where(sql`${table.providerBatchId} is not null`),
    index('submissions_batch').on(table.jobId, table.batch),
    index('submissions_absent')
      .on(table.intendedAt)
      .where(sql`${table.state} in ('absent', 'abandoned')`),
  ],
)

/** Insert-only; its key is what "exactly once" rests on. */
export const outcomes = pgTable(
  'outcomes',
  {
    jobId: text('job_id').notNull(),
    seq: integer('seq').notNull(),
    status: text('status').$type<OutcomeStatus>().notNull(),
    /** Null when the item was never sent. */
    batch: integer('batch'),
    round: smallint('round'),
    /** Sendings of the item, this one included. */
    attempts: smallint('attempts').notNull(),
    errorClass: text('error_class').$type<ErrorClass>(),
    error: text('error'),
    finishReason: text('finish_reason'),
    /** JSON of the answer's content. */
    answer: text('answer'),
    model: text('model'),
    inputTokens: integer('input_tokens').notNull().default(0),
    outputTokens: integer('output_tokens').notNull().default(0),
    cachedTokens: integer('cached_tokens').notNull().default(0),
    cacheWriteTokens: integer('cache_write_tokens').notNull().default(0),
    reasoningTokens: integer('reasoning_tokens').notNull().default(0),
    /** Null: the model has no known price. */
    costNanos: nanos('cost_nanos'),
    warnings: text('warnings'),
    /** The provider's line as received. */
    raw: text('raw'),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.seq] }),
    index('outcomes_not_succeeded')
      .on(table.jobId, table.errorClass)
      .where(sql`${table.status} <> 'succeeded'`),
  ],
)

/** Insert-only: the sendings that did not become outcomes. */
export const attempts = pgTable(
  'attempts',
  {
    jobId: text('job_id').notNull(),
    seq: integer('seq').notNull(),
    batch: integer('batch').notNull(),
    round: smallint('round').notNull(),
    errorClass: text('error_class').$type<ErrorClass>().notNull(),
    error: text('error').notNull(),
    answer: text('answer'),
    model: text('model'),
    inputTokens: integer('input_tokens').notNull().default(0),
    outputTokens: integer('output_tokens').notNull().default(0),
    cachedTokens: integer('cached_tokens').notNull().default(0),
    cacheWriteTokens: integer('cache_write_tokens').notNull().default(0),
    reasoningTokens: integer('reasoning_tokens').notNull().default(0),
    costNanos: nanos('cost_nanos'),
    raw: text('raw'),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.seq, table.batch] })],
)

/** A batch that waits to be sent. A lane is a provider in its real or simulated form. */
export const tickets = pgTable(
  'tickets',
  {
    jobId: text('job_id').notNull(),
    batch: integer('batch').notNull(),
    lane: text('lane').notNull(),
    model: text('model').notNull(),
    priority: integer('priority').notNull(),
    tokens: bigint('tokens', { mode: 'number' }).notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    notBefore: instant('not_before').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.batch] }),
    index('tickets_lane').on(table.lane, table.priority, table.createdAt),
  ],
)

/** Room that a batch takes at its provider, until the provider is done with it. `created_at` is when its batch asked for it. */
export const leases = pgTable(
  'leases',
  {
    jobId: text('job_id').notNull(),
    batch: integer('batch').notNull(),
    lane: text('lane').notNull(),
    model: text('model').notNull(),
    tokens: bigint('tokens', { mode: 'number' }).notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.batch] }), index('leases_lane').on(table.lane)],
)

/** Who serves which provider. Temporal can't tell: a worker whose slots are all taken asks for no work, and looks like none. */
export const workers = pgTable(
  'workers',
  {
    id: text('id').notNull(),
    provider: text('provider').notNull(),
    simulated: boolean('simulated').notNull(),
    seenAt: instant('seen_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.id, table.provider, table.simulated] })],
)

/** A job's history; numbered under the job's row lock, so a reader that has seen n has seen all before it. */
export const events = pgTable(
  'events',
  {
    jobId: text('job_id').notNull(),
    n: integer('n').notNull(),
    type: text('type').notNull(),
    data: text('data').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.n] })],
)

export const ledger = pgTable(
  'ledger',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    jobId: text('job_id').notNull(),
    batch: integer('batch').notNull(),
    attempt: smallint('attempt').notNull(),
    kind: text('kind').$type<'reservation' | 'release' | 'actual'>().notNull(),
    /** Of an actual cost: a submission whose fate was unknown may have made two, and both are billed. */
    providerBatchId: text('provider_batch_id'),
    amountNanos: nanos('amount_nanos').notNull(),
    simulated: boolean('simulated').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [
    unique('ledger_once').on(table.jobId, table.batch, table.attempt, table.kind, table.providerBatchId).nullsNotDistinct(),
  ],
)

/** One row a scope: a job, a tag, a month. */
export const budgets = pgTable('budgets', {
  scope: text('scope').primaryKey(),
  limitNanos: nanos('limit_nanos').notNull(),
  spentNanos: nanos('spent_nanos')
    .notNull()
    .default(sql`0`),
  reservedNanos: nanos('reserved_nanos')
    .notNull()
    .default(sql`0`),
  hard: boolean('hard').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
})

/** Input files that outlive the request that brought them. */
export const inputs = pgTable('inputs', {
  id: text('id').primaryKey(),
  contentHash: text('content_hash').notNull(),
  name: text('name'),
  mediaType: text('media_type').notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
})
