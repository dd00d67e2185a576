import { asc, eq, sql } from 'drizzle-orm'
import { expect } from 'vitest'
import { attempts, batches, leases, outcomes, submissions, tickets } from '../db/schema.ts'
import { loadJob } from '../db/job-state.ts'
import { answerFor, simulatorControl, type BatchSummary } from '../simulator/simulator.ts'
import type { JobStack } from './job-stack.ts'

/** What the simulator says to a plain prompt. */
export function answerTo(prompt: string, model = 'gpt-4o-mini'): string {
  const body = answerFor('/v1/chat/completions', { model, messages: [{ role: 'user', content: prompt }] })
  const text = 'choices' in body ? body.choices[0]?.message.content : null
  if (typeof text !== 'string') throw new Error(`the simulator has no text for "${prompt}"`)
  return text
}

export async function outcomesOf(stack: JobStack, jobId: string) {
  return await stack.db.database.drizzle.select().from(outcomes).where(eq(outcomes.jobId, jobId)).orderBy(asc(outcomes.seq))
}

export async function attemptsOf(stack: JobStack, jobId: string) {
  return await stack.db.database.drizzle
    .select()
    .from(attempts)
    .where(eq(attempts.jobId, jobId))
    .orderBy(asc(attempts.seq), asc(attempts.batch))
}

export async function batchesOf(stack: JobStack, jobId: string) {
  return await stack.db.database.drizzle.select().from(batches).where(eq(batches.jobId, jobId)).orderBy(asc(batches.batch))
}

export async function submissionsOf(stack: JobStack, jobId: string) {
  return await stack.db.database.drizzle
    .select()
    .from(submissions)
    .where(eq(submissions.jobId, jobId))
    .orderBy(asc(submissions.id))
}

export async function eventTypes(stack: JobStack, jobId: string): Promise<string[]> {
  const rows = await stack.db.database.drizzle.execute<{ type: string }>(
    sql`select type from events where job_id = ${jobId} order by n`,
  )
  return rows.map(({ type }) => type)
}

/**
 * What holds at the end of every job, whatever happened on the way: one outcome an item, each answer that of its own prompt, no room
 * taken, and at the provider no batch that was created for this job without being owned by it, unless it was cancelled as a twin – checked in the simulator's own books.
 */
export async function expectKept(stack: JobStack, jobId: string, prompts: readonly string[]): Promise<void> {
  const rows = await outcomesOf(stack, jobId)
  expect(rows.map(({ seq }) => seq)).toEqual(prompts.map((_, index) => index + 1))
  for (const row of rows) {
    if (row.status !== 'succeeded') continue
    const text = (JSON.parse(row.answer ?? 'null') as { text: string } | null)?.text
    expect(text, `answer of item ${row.seq}`).toBe(answerTo(prompts[row.seq - 1] as string))
  }
  const job = await loadJob(stack.db.database.drizzle, jobId)
  const count = (status: string) => rows.filter((row) => row.status === status).length
  expect({ succeeded: job.succeeded, failed: job.failed, expired: job.expired, cancelled: job.cancelled }).toEqual({
    succeeded: count('succeeded'),
    failed: count('failed'),
    expired: count('expired'),
    cancelled: count('cancelled'),
  })
  expect(await stack.db.database.drizzle.select().from(leases).where(eq(leases.jobId, jobId))).toEqual([])
  expect(await stack.db.database.drizzle.select().from(tickets).where(eq(tickets.jobId, jobId))).toEqual([])

  const books = await simulatorControl(stack.simulator.url).books()
  const ofJob = books.batches.filter((batch) => isOfJob(batch, jobId))
  // An `absent` submission with a batch has a twin: seen, but nobody's.
  const owned = new Set(
    (await submissionsOf(stack, jobId)).flatMap(({ state, providerBatchId }) =>
      state === 'absent' ? [] : (providerBatchId ?? []),
    ),
  )
  expect(ofJob.filter(({ id, status }) => !owned.has(id) && status !== 'cancelled').map(({ id }) => id)).toEqual([])
}

/** Whether the simulator's books say that a batch was created for this job: by its metadata, which outlives its files. */
export function isOfJob(batch: BatchSummary, jobId: string): boolean {
  return batch.metadata?.['batchwright']?.startsWith(`job-${jobId}-`) === true
}

/** The bill that the simulator wrote for the requests of a job, in nano-dollars. */
export async function billOf(stack: JobStack, jobId: string): Promise<bigint> {
  const books = await simulatorControl(stack.simulator.url).books()
  return books.batches
    .filter((batch) => isOfJob(batch, jobId))
    .reduce((sum, batch) => sum + BigInt(batch.delivered_cost_nano_usd), 0n)
}
