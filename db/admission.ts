import { and, eq, sql } from 'drizzle-orm'
import { grantTickets, type ProviderCapacity, type ProviderLoad, type Ticket } from '../core/admission.ts'
import type { Lane } from '../core/task-queues.ts'
import type { BatchRow } from './batches.ts'
import type { Database, Query } from './database.ts'
import { batches, jobs, leases, tickets } from './schema.ts'

/*
 * Admission: what is in flight at a provider is a row of `leases`, who waits for room is a row of `tickets`. Every change happens under the
 * lane's lock, which is taken before any row lock, so that lanes and rows are always locked in one order.
 */

/** A batch that got its lease; its workflow is told. */
export interface Granted {
  jobId: string
  batch: number
}

export interface Admission {
  granted: boolean
  /** Others that got room in the same transaction. */
  others: Granted[]
  /** Until the ticket may be granted at all, in milliseconds; 0 when only room is missing. */
  notBeforeMs: number
}

/** A provider in its real or its simulated form. */
export function laneOf(provider: string, simulated: boolean): string {
  return simulated ? `${provider}${simulatedSuffix}` : provider
}

/** The reverse: no provider's name has a space in it. */
export function parseLane(lane: string): Lane {
  return { provider: lane.split(' ', 1)[0] as string, simulated: lane.endsWith(simulatedSuffix) }
}

const simulatedSuffix = ' (simulated)'

/**
 * Tickets that one look shows of each job and model: more than one, so that what does not fit can be overtaken within its job, too. What is behind
 * them is seen by the next look, and there is one after each that granted something.
 */
const ticketsPerJobAndModel = 4
/** More than a job ever has: its workflow opens 100 batches at a time. */
const ticketsOfMixedJob = 1000

/** Serializes what happens to one lane until the transaction ends. Taken before any row is locked. */
export async function lockLane(query: Query, lane: string): Promise<void> {
  await query.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`batchwright lane ${lane}`}, 0))`)
}

/** Asks for room for a planned batch. Safe to repeat: a batch keeps its ticket's age, and a lease that it has already. */
export async function requestAdmission(
  database: Database,
  jobId: string,
  batch: number,
  capacity: ProviderCapacity,
): Promise<Admission> {
  return await database.drizzle.transaction(async (tx) => {
    await lockLaneOfBatch(tx, jobId, batch)
    const [row] = await tx
      .select({
        provider: batches.provider,
        simulated: batches.simulated,
        model: batches.model,
        tokens: batches.tokens,
        priority: jobs.priority,
      })
      .from(batches)
      .innerJoin(jobs, eq(jobs.id, batches.jobId))
      // A late try of an activity must not queue what has gone on since.
      .where(and(eq(batches.jobId, jobId), eq(batches.batch, batch), eq(batches.status, 'planned')))
    if (row === undefined) return { granted: false, others: [], notBeforeMs: 0 }
    const lane = laneOf(row.provider, row.simulated)
    const held = await tx
      .select({ batch: leases.batch })
      .from(leases)
      .where(and(eq(leases.jobId, jobId), eq(leases.batch, batch)))
    if (held.length > 0) return { granted: true, others: [], notBeforeMs: 0 }
    await tx
      .insert(tickets)
      .values({ jobId, batch, lane, model: row.model, priority: row.priority, tokens: row.tokens })
      .onConflictDoNothing()
    const granted = await grantNext(tx, lane, capacity)
    const isGranted = granted.some((grant) => grant.jobId === jobId && grant.batch === batch)
    const [ticket] = await tx
      .select({ ms: sql<number>`greatest(0, extract(epoch from (${tickets.notBefore} - now())) * 1000)::float8` })
      .from(tickets)
      .where(and(eq(tickets.jobId, jobId), eq(tickets.batch, batch)))
    return {
      granted: isGranted,
      others: granted.filter((grant) => grant.jobId !== jobId || grant.batch !== batch),
      notBeforeMs: ticket?.ms ?? 0,
    }
  })
}

/** Takes the lane's lock for a transaction that is going to release a lease; call it before locking any row. */
export async function lockLaneOfBatch(query: Query, jobId: string, batch: number): Promise<void> {
  const [row] = await query
    .select({ provider: batches.provider, simulated: batches.simulated })
    .from(batches)
    .where(and(eq(batches.jobId, jobId), eq(batches.batch, batch)))
  if (row !== undefined) await lockLane(query, laneOf(row.provider, row.simulated))
}

/**
 * Gives back a batch's room for good, or its place in the queue, and passes the room on. The caller holds the lane's lock. Without a
 * capacity, which only a worker with that provider has, the room is free and nobody is told: a worker that has it grants it, in a
 * waiter's fallback timer or the janitor's next sweep at the latest.
 */
export async function releaseLease(
  query: Query,
  jobId: string,
  batch: number,
  capacity: ProviderCapacity | null,
): Promise<Granted[]> {
  await query.delete(tickets).where(and(eq(tickets.jobId, jobId), eq(tickets.batch, batch)))
  const lease = await deleteLease(query, jobId, batch)
  return lease === null ? [] : await grantNext(query, lease.lane, capacity)
}

/**
 * Turns a batch's room back into a place in the queue, for as long as its job is paused, and passes the room on. A place that it has already stays,
 * and is no longer held back by time: what held it back is a person's to mend. The caller holds the lane's lock.
 */
export async function returnRoom(
  query: Query,
  batch: BatchRow,
  priority: number,
  capacity: ProviderCapacity | null,
): Promise<Granted[]> {
  const lease = await deleteLease(query, batch.jobId, batch.batch)
  if (lease === null) {
    await query
      .update(tickets)
      .set({ notBefore: sql`now()` })
      .where(and(eq(tickets.jobId, batch.jobId), eq(tickets.batch, batch.batch)))
    return []
  }
  await insertReturned(query, batch, lease, priority, 0)
  return await grantNext(query, lease.lane, capacity)
}

/**
 * Puts a batch that the provider did not take back in the queue, to be granted no sooner than in `delayMs`, and passes on what room it still
 * had. The caller holds the lane's lock.
 */
export async function requeue(
  query: Query,
  batch: BatchRow,
  priority: number,
  delayMs: number,
  capacity: ProviderCapacity | null,
): Promise<Granted[]> {
  const lease = await deleteLease(query, batch.jobId, batch.batch)
  await insertReturned(query, batch, lease, priority, delayMs)
  return lease === null ? [] : await grantNext(query, lease.lane, capacity)
}

type Lease = Pick<typeof leases.$inferSelect, 'lane' | 'createdAt'>

async function deleteLease(query: Query, jobId: string, batch: number): Promise<Lease | null> {
  const [deleted] = await query
    .delete(leases)
    .where(and(eq(leases.jobId, jobId), eq(leases.batch, batch)))
    .returning({ lane: leases.lane, createdAt: leases.createdAt })
  return deleted ?? null
}

/**
 * A batch that comes back has waited since its first request. One whose room was taken back when the provider ended it (and refused it whole) counts
 * from when it was sent.
 */
async function insertReturned(
  query: Query,
  batch: BatchRow,
  lease: Lease | null,
  priority: number,
  delayMs: number,
): Promise<void> {
  const notBefore = sql`now() + ${delayMs / 1000} * interval '1 second'`
  await query
    .insert(tickets)
    .values({
      jobId: batch.jobId,
      batch: batch.batch,
      lane: laneOf(batch.provider, batch.simulated),
      model: batch.model,
      priority,
      tokens: batch.tokens,
      createdAt: lease?.createdAt ?? batch.submittedAt ?? sql`now()`,
      notBefore,
    })
    .onConflictDoUpdate({ target: [tickets.jobId, tickets.batch], set: { notBefore } })
}

/** Gives free room of a lane to those who wait for it. The caller holds the lane's lock, and tells the granted. */
export async function grantNext(query: Query, lane: string, capacity: ProviderCapacity | null): Promise<Granted[]> {
  const granted: Granted[] = []
  if (capacity === null) return granted
  for (;;) {
    const load = await readLoad(query, lane)
    // No more at a time than one look shows of a job: what it has behind them may go before another job's.
    const maxInFlightBatches = Math.min(capacity.maxInFlightBatches, load.batches + ticketsPerJobAndModel)
    if (load.batches >= maxInFlightBatches) return granted
    const next = grantTickets(await listWaiting(query, lane), load, { ...capacity, maxInFlightBatches })
    if (next.length === 0) return granted
    for (const { jobId, batch, model, tokens } of next) {
      // The lease remembers when its batch asked: should it come back to the queue, it keeps that age.
      await query.execute(sql`
        with gone as (delete from ${tickets} where job_id = ${jobId} and batch = ${batch} returning created_at)
        insert into ${leases} (job_id, batch, lane, model, tokens, created_at)
        select ${jobId}, ${batch}, ${lane}, ${model}, ${tokens}::bigint, created_at from gone`)
      granted.push({ jobId, batch })
    }
  }
}

async function readLoad(query: Query, lane: string): Promise<ProviderLoad> {
  const inFlight = await query
    .select({ jobId: leases.jobId, model: leases.model, tokens: leases.tokens })
    .from(leases)
    .where(eq(leases.lane, lane))
  const tokensByModel = new Map<string, number>()
  const batchesByJob = new Map<string, number>()
  for (const lease of inFlight) {
    tokensByModel.set(lease.model, (tokensByModel.get(lease.model) ?? 0) + lease.tokens)
    batchesByJob.set(lease.jobId, (batchesByJob.get(lease.jobId) ?? 0) + 1)
  }
  return { batches: inFlight.length, tokensByModel, batchesByJob }
}

/**
 * The first tickets of each job and model: whatever their number and age, no job hides another one's, and no model another's. It goes from the jobs to
 * their tickets by primary key, so its cost grows with the jobs in progress and not with the tickets. One priority counts within a job, so its
 * first tickets are those with its lowest numbers, and only a job whose items name several models is read further to find all of these.
 */
async function listWaiting(query: Query, lane: string): Promise<Ticket[]> {
  // By the time of the statement: the transaction may have begun, and waited for the lane, before the latest tickets were written. Rounded as the
  // column is, or a ticket of this moment might count as one of the next millisecond.
  return await query.execute<Ticket & Record<string, unknown>>(sql`
    select t.job_id as "jobId", t.batch, t.model, t.priority, t.tokens::float8 as tokens,
      greatest(0, extract(epoch from statement_timestamp() - t.created_at) * 1000)::float8 as "waitingMs"
    from jobs j cross join lateral (
      select *, row_number() over (partition by first.model order by first.batch) as nth
      from (
        select * from tickets w
        where w.job_id = j.id and w.lane = ${lane} and w.not_before <= statement_timestamp()::timestamptz(3)
        order by w.batch limit case when j.mixed then ${ticketsOfMixedJob}::int else ${ticketsPerJobAndModel}::int end
      ) first
    ) t
    -- A paused or cancelled job submits nothing: its tickets keep their place, and are in nobody's way.
    where j.status = 'in_progress' and t.nth <= ${ticketsPerJobAndModel}::int`)
}
