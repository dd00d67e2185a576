import * as fc from 'fast-check'
import { and, eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agingStepMs, grantTickets, overtakingMs, type ProviderCapacity, type Ticket } from '../core/admission.ts'
import { insertJob, type JobValues } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import {
  grantNext,
  laneOf,
  lockLane,
  lockLaneOfBatch,
  releaseLease,
  requestAdmission,
  requeue,
  returnRoom,
  type Granted,
} from './admission.ts'
import { loadBatch } from './batches.ts'
import type { Query } from './database.ts'
import { pauseJob, requestCancel, resumeJob } from './job-state.ts'
import { batches, events, jobs, leases, tickets } from './schema.ts'
import { sweepLeases } from './sweep.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const capacity: ProviderCapacity = { maxInFlightBatches: 3, enqueuedTokens: new Map([['gpt-4o-mini', 250]]) }

/** A job with planned batches of 50 tokens each, at a provider of the test's own. */
async function jobWithBatches(provider: string, count: number, job: JobValues = {}): Promise<string> {
  const jobId = await insertJob(db.database, 0, { provider, ...job })
  for (let batch = 1; batch <= count; batch++) {
    await db.database.drizzle.insert(batches).values({
      jobId,
      batch,
      round: 1,
      shard: batch,
      provider,
      simulated: true,
      model: 'gpt-4o-mini',
      endpoint: '/v1/chat/completions',
      listed: false,
      seqFrom: 1,
      seqTo: 1,
      items: 1,
      bytes: 1,
      tokens: 50,
    })
  }
  return jobId
}

async function release(jobId: string, batch: number, limits: ProviderCapacity | null = capacity): Promise<Granted[]> {
  return await inLaneOf(jobId, batch, (tx) => releaseLease(tx, jobId, batch, limits))
}

async function inLaneOf<Result>(jobId: string, batch: number, work: (tx: Query) => Promise<Result>): Promise<Result> {
  return await db.database.drizzle.transaction(async (tx) => {
    await lockLaneOfBatch(tx, jobId, batch)
    return await work(tx)
  })
}

async function grant(provider: string, limits: ProviderCapacity | null): Promise<Granted[]> {
  return await db.database.drizzle.transaction(async (tx) => {
    await lockLane(tx, laneOf(provider, true))
    return await grantNext(tx, laneOf(provider, true), limits)
  })
}

type TicketValues = Partial<typeof tickets.$inferInsert> & { waitingMs?: number }

/** Tickets of batches `from` to `to`, written as if they had asked that long ago. */
async function queue(jobId: string, provider: string, from: number, to: number, ticket: TicketValues = {}): Promise<void> {
  const { waitingMs = 0, ...values } = ticket
  await db.database.drizzle.insert(tickets).values(
    Array.from({ length: to - from + 1 }, (_, index) => ({
      jobId,
      batch: from + index,
      lane: laneOf(provider, true),
      model: 'gpt-4o-mini',
      priority: 10,
      tokens: 50,
      createdAt: sql`now() - ${waitingMs / 1000} * interval '1 second'`,
      ...values,
    })),
  )
}

async function ticketOf(jobId: string, batch: number): Promise<typeof tickets.$inferSelect | undefined> {
  const [ticket] = await db.database.drizzle
    .select()
    .from(tickets)
    .where(and(eq(tickets.jobId, jobId), eq(tickets.batch, batch)))
  return ticket
}

async function leasesOf(provider: string): Promise<number> {
  return (
    await db.database.drizzle
      .select()
      .from(leases)
      .where(eq(leases.lane, laneOf(provider, true)))
  ).length
}

test('many asking at once never get more than there is room for', async () => {
  const jobId = await jobWithBatches('crowded', 20)
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => requestAdmission(db.database, jobId, index + 1, capacity)),
  )
  expect(await leasesOf('crowded')).toBe(3)
  // A grant of one may be found by the transaction of another, which then names it.
  const granted = answers.filter((answer) => answer.granted).length + answers.flatMap((answer) => answer.others).length
  expect(granted).toBeGreaterThanOrEqual(3)
})

test('enqueued tokens hold back what room alone would let through', async () => {
  const jobId = await jobWithBatches('tokens', 8)
  const wide = { ...capacity, maxInFlightBatches: 100 }
  for (let batch = 1; batch <= 8; batch++) await requestAdmission(db.database, jobId, batch, wide)
  expect(await leasesOf('tokens')).toBe(5)
})

test('a release passes its room on in the same transaction', async () => {
  const jobId = await jobWithBatches('passing', 4)
  for (let batch = 1; batch <= 4; batch++) await requestAdmission(db.database, jobId, batch, capacity)
  expect(await release(jobId, 1)).toEqual([{ jobId, batch: 4 }])
  expect(await release(jobId, 1)).toEqual([])
  expect(await leasesOf('passing')).toBe(3)
  expect(await db.database.drizzle.select().from(tickets).where(eq(tickets.jobId, jobId))).toEqual([])
})

test('asking again changes nothing: a lease stays, and a ticket keeps its age', async () => {
  const jobId = await jobWithBatches('again', 4)
  for (let batch = 1; batch <= 4; batch++) await requestAdmission(db.database, jobId, batch, capacity)
  const [before] = await db.database.drizzle.select().from(tickets).where(eq(tickets.jobId, jobId))
  expect((await requestAdmission(db.database, jobId, 1, capacity)).granted).toBe(true)
  expect((await requestAdmission(db.database, jobId, 4, capacity)).granted).toBe(false)
  expect(await db.database.drizzle.select().from(tickets).where(eq(tickets.jobId, jobId))).toEqual([before])
})

test('a paused job is not in the way of others, and keeps its place', async () => {
  const paused = await jobWithBatches('pausing', 4)
  const other = await jobWithBatches('pausing', 1)
  for (let batch = 1; batch <= 4; batch++) await requestAdmission(db.database, paused, batch, capacity)
  await pauseJob(db.database, paused, 'user', null)
  expect((await requestAdmission(db.database, other, 1, capacity)).granted).toBe(false)
  expect(await release(paused, 1)).toEqual([{ jobId: other, batch: 1 }])
  expect(await release(paused, 2)).toEqual([])
  await resumeJob(db.database, paused)
  expect((await requestAdmission(db.database, paused, 4, capacity)).granted).toBe(true)
})

const roomForOne: ProviderCapacity = { maxInFlightBatches: 1, enqueuedTokens: new Map() }

test('tickets of a full model hide none of another model, whatever their number, age and priority', async () => {
  const [many, mixed, other] = [
    await jobWithBatches('full-model', 0),
    await jobWithBatches('full-model', 0, { mixed: true }),
    await jobWithBatches('full-model', 0),
  ]
  const full = { maxInFlightBatches: 10, enqueuedTokens: new Map([['gpt-4o-mini', 100]]) }
  await db.database.drizzle
    .insert(leases)
    .values({ jobId: many, batch: 9999, lane: laneOf('full-model', true), model: 'gpt-4o-mini', tokens: 100 })
  await queue(many, 'full-model', 1, 1500, { priority: 20, waitingMs: 10 * agingStepMs })
  await queue(mixed, 'full-model', 1, 90, { priority: 20, waitingMs: 10 * agingStepMs })
  await queue(mixed, 'full-model', 91, 91, { model: 'gpt-4o', waitingMs: agingStepMs })
  await queue(other, 'full-model', 1, 1, { model: 'gpt-4o', priority: 0 })
  expect(await grant('full-model', full)).toEqual([
    { jobId: mixed, batch: 91 },
    { jobId: other, batch: 1 },
  ])
})

test('tickets of one job hide none of another job: the one with fewest in flight goes first', async () => {
  const [many, other] = [await jobWithBatches('many', 0), await jobWithBatches('many', 0)]
  await queue(many, 'many', 1, 1500, { waitingMs: 1000 })
  await queue(other, 'many', 1, 2)
  expect(await grant('many', { maxInFlightBatches: 7, enqueuedTokens: new Map() })).toEqual([
    { jobId: many, batch: 1 },
    { jobId: other, batch: 1 },
    { jobId: many, batch: 2 },
    { jobId: other, batch: 2 },
    { jobId: many, batch: 3 },
    { jobId: many, batch: 4 },
    { jobId: many, batch: 5 },
  ])
})

test('a ticket that has waited long enough goes before any number of higher priority', async () => {
  const [high, aged] = [await jobWithBatches('aged', 0), await jobWithBatches('aged', 0)]
  await queue(high, 'aged', 1, 1500, { priority: 20 })
  await queue(aged, 'aged', 1, 1, { priority: 0, waitingMs: 3 * agingStepMs })
  expect(await grant('aged', roomForOne)).toEqual([{ jobId: aged, batch: 1 }])
})

test('a look at a part of the tickets grants what a look at all of them would', async () => {
  const models = ['small', 'middle', 'big']
  const ticket = fc.record({ model: fc.nat(2), halfSteps: fc.nat(6) })
  const job = fc.record({
    priority: fc.constantFrom(0, 10, 20),
    status: fc.constantFrom('in_progress' as const, 'in_progress' as const, 'in_progress' as const, 'paused' as const),
    tickets: fc.array(ticket, { maxLength: 15 }),
    inFlight: fc.nat(2),
  })
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(job, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 30 }),
      fc.option(fc.integer({ min: 1, max: 8 })),
      async (population, free, batchesOfSmall) => {
        const provider = `property-${++run}`
        const all: Ticket[] = []
        const batchesByJob = new Map<string, number>()
        for (const { priority, status, tickets: asked, inFlight } of population) {
          const jobId = await jobWithBatches(provider, 0, { priority, status, mixed: true })
          batchesByJob.set(jobId, inFlight)
          for (let batch = 1; batch <= inFlight; batch++) {
            const lease = { jobId, batch: 1000 + batch, lane: laneOf(provider, true), model: 'other', tokens: 50 }
            await db.database.drizzle.insert(leases).values(lease)
          }
          // The batches of a job ask in the order of their numbers; no two tickets are of the same age.
          const oldestFirst = asked.toSorted((left, right) => right.halfSteps - left.halfSteps)
          for (const [index, { model, halfSteps }] of oldestFirst.entries()) {
            const waitingMs = (halfSteps * agingStepMs) / 2 + 100_000 - all.length * 10
            const waiting = { jobId, batch: index + 1, model: models[model] as string, priority, tokens: 50, waitingMs }
            await queue(jobId, provider, waiting.batch, waiting.batch, { model: waiting.model, priority, waitingMs })
            all.push(status === 'in_progress' ? waiting : { ...waiting, model: 'of a paused job' })
          }
        }
        const batchesInFlight = [...batchesByJob.values()].reduce((sum, count) => sum + count, 0)
        const limits = {
          maxInFlightBatches: batchesInFlight + free,
          enqueuedTokens: new Map(batchesOfSmall === null ? [] : [['small', 50 * batchesOfSmall]]),
        }
        const load = { batches: batchesInFlight, tokensByModel: new Map([['other', 50 * batchesInFlight]]), batchesByJob }
        const eligible = all.filter((waiting) => waiting.model !== 'of a paused job')
        const expected = grantTickets(eligible, load, limits).map(({ jobId, batch }) => ({ jobId, batch }))
        expect(await grant(provider, limits)).toEqual(expected)
      },
    ),
    { numRuns: 25 },
  )
})

test.each([
  ['is paused', async (jobId: string) => void (await pauseJob(db.database, jobId, 'user', null))],
  ['is being cancelled', async (jobId: string) => void (await requestCancel(db.database, jobId))],
  [
    'waits for its backoff',
    async (jobId: string) => {
      await db.database.drizzle
        .update(tickets)
        .set({ notBefore: sql`now() + interval '1 hour'` })
        .where(eq(tickets.jobId, jobId))
    },
  ],
])('a model does not drain for a big head that %s', async (state, hold) => {
  const provider = `big head that ${state}`
  const [big, little, running] = [
    await jobWithBatches(provider, 0),
    await jobWithBatches(provider, 0),
    await jobWithBatches(provider, 1),
  ]
  await requestAdmission(db.database, running, 1, capacity)
  await queue(big, provider, 1, 1, { tokens: 240, waitingMs: 2 * overtakingMs })
  await queue(little, provider, 1, 1)
  expect(await grant(provider, capacity)).toEqual([])
  await hold(big)
  expect(await grant(provider, capacity)).toEqual([{ jobId: little, batch: 1 }])
})

test('who asks while another transaction waits for the lane gets the room that it frees', async () => {
  const jobId = await jobWithBatches('waiting', 2)
  await requestAdmission(db.database, jobId, 1, roomForOne)
  await db.database.drizzle.transaction(async (releasing) => {
    // Its time starts here, before the ticket's.
    await releasing.execute(sql`select now()`)
    expect((await requestAdmission(db.database, jobId, 2, roomForOne)).granted).toBe(false)
    await lockLaneOfBatch(releasing, jobId, 1)
    expect(await releaseLease(releasing, jobId, 1, roomForOne)).toEqual([{ jobId, batch: 2 }])
  })
})

test('a batch that the provider did not take waits again, from its first request on, and no sooner than told', async () => {
  const jobId = await jobWithBatches('readmitted', 2)
  await requestAdmission(db.database, jobId, 1, roomForOne)
  await requestAdmission(db.database, jobId, 2, roomForOne)
  const first = await loadBatch(db.database.drizzle, jobId, 1)
  const asked = new Date(Date.now() - 3_600_000)
  await db.database.drizzle.update(leases).set({ createdAt: asked }).where(eq(leases.jobId, jobId))
  expect(await inLaneOf(jobId, 1, (tx) => requeue(tx, first, 10, 60_000, roomForOne))).toEqual([{ jobId, batch: 2 }])
  expect((await ticketOf(jobId, 1))?.createdAt).toEqual(asked)
  expect((await requestAdmission(db.database, jobId, 1, { ...roomForOne, maxInFlightBatches: 9 })).notBeforeMs).toBeGreaterThan(0)
  // One whose lease ended with its provider batch has none to give back.
  await release(jobId, 2)
  const sent = new Date(Date.now() - 60_000)
  const second = { ...(await loadBatch(db.database.drizzle, jobId, 2)), submittedAt: sent }
  expect(await inLaneOf(jobId, 2, (tx) => requeue(tx, second, 10, 0, roomForOne))).toEqual([])
  expect((await ticketOf(jobId, 2))?.createdAt).toEqual(sent)
})

test('a paused job gives its room to others and keeps its place, no longer held back by time', async () => {
  const [paused, other] = [await jobWithBatches('returned', 2), await jobWithBatches('returned', 1)]
  await requestAdmission(db.database, paused, 1, roomForOne)
  await queue(paused, 'returned', 2, 2, { waitingMs: 5000, notBefore: new Date(Date.now() + 3_600_000) })
  await requestAdmission(db.database, other, 1, roomForOne)
  const before = await ticketOf(paused, 2)
  await pauseJob(db.database, paused, 'user', null)
  const granted: Granted[] = []
  for (const batch of [1, 2]) {
    const row = await loadBatch(db.database.drizzle, paused, batch)
    granted.push(...(await inLaneOf(paused, batch, (tx) => returnRoom(tx, row, 10, roomForOne))))
  }
  expect(granted).toEqual([{ jobId: other, batch: 1 }])
  expect((await ticketOf(paused, 2))?.createdAt).toEqual(before?.createdAt)
  // An hour of pause is not an hour of waiting.
  await db.database.drizzle
    .update(events)
    .set({ createdAt: new Date(Date.now() - 3_600_000) })
    .where(and(eq(events.jobId, paused), eq(events.type, 'paused')))
  await db.database.drizzle
    .update(tickets)
    .set({ createdAt: new Date(Date.now() - 3_700_000) })
    .where(eq(tickets.jobId, paused))
  await resumeJob(db.database, paused)
  const waitedMs = Date.now() - ((await ticketOf(paused, 2))?.createdAt.getTime() ?? 0)
  expect(waitedMs).toBeGreaterThan(90_000)
  expect(waitedMs).toBeLessThan(1_800_000)
  await release(other, 1, null)
  expect(await grant('returned', { ...roomForOne, maxInFlightBatches: 2 })).toHaveLength(2)
})

test('a worker without the provider frees room and grants none of it; the next sweep does', async () => {
  const jobId = await jobWithBatches('elsewhere', 2)
  await requestAdmission(db.database, jobId, 1, roomForOne)
  await requestAdmission(db.database, jobId, 2, roomForOne)
  expect(await release(jobId, 1, null)).toEqual([])
  expect(await leasesOf('elsewhere')).toBe(0)
  expect(await sweepLeases(db.database, 'elsewhere', true, null)).toEqual({ swept: 0, granted: [] })
  expect(await sweepLeases(db.database, 'elsewhere', true, roomForOne)).toEqual({ swept: 0, granted: [{ jobId, batch: 2 }] })
})

test('a sweep deletes what outlived its batch or its job, in its lane alone, and passes the room on', async () => {
  const [open, over] = [await jobWithBatches('swept', 5), await jobWithBatches('swept', 4)]
  const elsewhere = await jobWithBatches('not swept', 1)
  for (let batch = 1; batch <= 3; batch++) await requestAdmission(db.database, open, batch, capacity)
  await requestAdmission(db.database, elsewhere, 1, capacity)
  for (const status of ['fetching', 'ended', 'submitting'] as const) {
    const batch = ['fetching', 'ended', 'submitting'].indexOf(status) + 1
    await db.database.drizzle
      .update(batches)
      .set({ status })
      .where(and(eq(batches.jobId, open), eq(batches.batch, batch)))
  }
  await db.database.drizzle.update(batches).set({ status: 'ended' }).where(eq(batches.jobId, elsewhere))
  await queue(open, 'swept', 4, 5)
  await queue(over, 'swept', 1, 4, { waitingMs: 1000 })
  await db.database.drizzle.update(jobs).set({ status: 'failed' }).where(eq(jobs.id, over))
  expect(await sweepLeases(db.database, 'swept', true, capacity)).toEqual({
    swept: 6,
    granted: [
      { jobId: open, batch: 4 },
      { jobId: open, batch: 5 },
    ],
  })
  expect(await leasesOf('swept')).toBe(3)
  expect(await leasesOf('not swept')).toBe(1)
})

test('what is not planned any more is not queued by a late request', async () => {
  const jobId = await jobWithBatches('late', 1)
  await db.database.drizzle.update(batches).set({ status: 'ended' }).where(eq(batches.jobId, jobId))
  expect(await requestAdmission(db.database, jobId, 1, capacity)).toMatchObject({ granted: false, others: [] })
  expect(await ticketOf(jobId, 1)).toBeUndefined()
  expect(await leasesOf('late')).toBe(0)
})
