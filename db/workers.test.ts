import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { workers } from './schema.ts'
import { announceWorker, isLaneServed, listServedLanes, withdrawWorker } from './workers.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const real = { provider: 'openai', simulated: false }
const simulated = { provider: 'openai', simulated: true }
const minute = 60_000

test('a lane is served while one of its workers says so, and the simulated one is another', async () => {
  await announceWorker(db.database, 'one', [simulated])
  await announceWorker(db.database, 'two', [simulated, real])
  await announceWorker(db.database, 'none', [])
  await withdrawWorker(db.database, 'two')
  expect(await isLaneServed(db.database, simulated, minute)).toBe(true)
  expect(await isLaneServed(db.database, real, minute)).toBe(false)

  // The one that is left says nothing any more.
  await db.database.drizzle.update(workers).set({ seenAt: sql`now() - interval '2 minutes'` })
  expect(await listServedLanes(db.database, minute)).toEqual([])
  await announceWorker(db.database, 'one', [simulated])
  expect(await listServedLanes(db.database, minute)).toEqual([simulated])
})
