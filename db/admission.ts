import { and, eq, sql } from 'drizzle-orm'
import { grantTickets, type ProviderCapacity, type Ticket } from '../core/admission.ts'
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
  return simulated ? `${provider} (simulated)` : provider
}

/** Tickets looked at in one grant; those behind get their turn with the next one. */
const ticketsConsidered = 1000

async function lockLane(query: Query, lane: string): Promise<void> {
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
    const [row] = await tx
      .select({
        provider: batches.provider,
        simulated: batches.simulated,
        model: batches.model,
        tokens: batches.tokens,
        readmissions: batches.readmissions,
        jobStatus: jobs.status,
        priority: jobs.priority,
      })
      .from(batches)
      .innerJoin(jobs, eq(jobs.id, batches.jobId))
      .where(and(eq(batches.jobId, jobId), eq(batches.batch, batch)))
    if (row === undefined) return { granted: false, others: [], notBeforeMs: 0 }
    const lane = laneOf(row.provider, row.simulated)
    await lockLane(tx, lane)
    const [lease] = await tx
      .select({ lane: leases.lane })
      .from(leases)
      .where(and(eq(leases.jobId, jobId), eq(leases.batch, batch)))
    if (lease !== undefined) return { granted: true, others: [], notBeforeMs: 0 }
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

/** Gives back a batch's room, or its place in the queue, and passes the room on. The caller holds the lane's lock. */
export async function releaseLease(query: Query, jobId: string, batch: number, capacity: ProviderCapacity): Promise<Granted[]> {
  await query.delete(tickets).where(and(eq(tickets.jobId, jobId), eq(tickets.batch, batch)))
  const [released] = await query
    .delete(leases)
    .where(and(eq(leases.jobId, jobId), eq(leases.batch, batch)))
    .returning({ lane: leases.lane })
  return released === undefined ? [] : await grantNext(query, released.lane, capacity)
}

/** Puts a batch back in the queue, to be granted no sooner than in `delayMs`. The caller holds the lane's lock. */
export async function requeue(
  query: Query,
  batch: { jobId: string; batch: number; provider: string; simulated: boolean; model: string; tokens: number },
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
      notBefore,
    })
    .onConflictDoUpdate({ target: [tickets.jobId, tickets.batch], set: { notBefore } })
}

async function grantNext(query: Query, lane: string, capacity: ProviderCapacity): Promise<Granted[]> {
  const inFlight = await query
    .select({ jobId: leases.jobId, model: leases.model, tokens: leases.tokens })
    .from(leases)
    .where(eq(leases.lane, lane))
  if (inFlight.length >= capacity.maxInFlightBatches) return []
  const waiting: Ticket[] = await query
    .select({
      jobId: tickets.jobId,
      batch: tickets.batch,
      model: tickets.model,
      priority: tickets.priority,
      tokens: tickets.tokens,
      waitingMs: sql<number>`(extract(epoch from (now() - ${tickets.createdAt})) * 1000)::float8`,
    })
    .from(tickets)
    .innerJoin(jobs, eq(jobs.id, tickets.jobId))
    // A paused or cancelled job submits nothing: its place is kept, and not in the way.
    .where(and(eq(tickets.lane, lane), eq(jobs.status, 'in_progress'), sql`${tickets.notBefore} <= now()`))
    .orderBy(sql`${tickets.priority} desc, ${tickets.createdAt}`)
    .limit(ticketsConsidered)
  const tokensByModel = new Map<string, number>()
  const batchesByJob = new Map<string, number>()
  for (const lease of inFlight) {
    tokensByModel.set(lease.model, (tokensByModel.get(lease.model) ?? 0) + lease.tokens)
    batchesByJob.set(lease.jobId, (batchesByJob.get(lease.jobId) ?? 0) + 1)
  }
  const granted = grantTickets(waiting, { batches: inFlight.length, tokensByModel, batchesByJob }, capacity)
  for (const ticket of granted) {
    await query
      .insert(leases)
      .values({ jobId: ticket.jobId, batch: ticket.batch, lane, model: ticket.model, tokens: ticket.tokens })
    await query.delete(tickets).where(and(eq(tickets.jobId, ticket.jobId), eq(tickets.batch, ticket.batch)))
  }
  return granted.map(({ jobId, batch }) => ({ jobId, batch }))
}
