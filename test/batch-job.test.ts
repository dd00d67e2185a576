import { asc, eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomes } from '../db/schema.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'

let stack: JobStack
beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 200 } })
})
afterAll(() => stack.stop())

test('every item is answered, once, with the answer to its own prompt', async () => {
  const jobId = await createJob(stack, Array.from({ length: 50 }, (_, index) => ({ prompt: `What is ${index} + 1?` })))
  const job = await jobAt(stack, jobId)
  expect(job).toMatchObject({ status: 'completed', succeeded: 50, failed: 0 })
  const rows = await stack.db.database.drizzle.select().from(outcomes).where(eq(outcomes.jobId, jobId)).orderBy(asc(outcomes.seq))
  expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
  console.log(rows[0], await simulatorControl(stack.simulator.url).books())
})
