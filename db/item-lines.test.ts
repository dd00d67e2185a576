import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertJob } from '../test/job-rows.ts'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { readItemLines } from './item-lines.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

test('lines come in pages of bounded size, each asked for once, a long one alone', async () => {
  const jobId = await insertJob(db.database, 10, {}, (seq) => ({ bytes: seq === 4 ? 1000 : 100 }))
  const pages: number[][] = []
  for await (const page of readItemLines(db.database.sql, jobId, [9, 1, 2, 3, 4, 5, 6, 8], 250))
    pages.push(page.map(({ seq }) => seq))
  expect(pages).toEqual([[1, 2, 3], [4], [5, 6, 8], [9]])
})

test('of nothing there is no page', async () => {
  const jobId = await insertJob(db.database, 1)
  for await (const page of readItemLines(db.database.sql, jobId, [])) expect(page).toBeUndefined()
})
