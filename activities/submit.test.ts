import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadBatch, updateBatch } from '../db/batches.ts'
import { leases } from '../db/schema.ts'
import { closeSubmission, intendSubmission } from '../db/submissions.ts'
import { startBatchActivities, type BatchActivities } from '../test/batch-activities.ts'
import type { TestDatabase } from '../test/services.ts'
import type { BatchKey } from './batch-context.ts'
import type { ActivityDependencies } from './dependencies.ts'

let activities: BatchActivities
let db: TestDatabase
beforeAll(async () => {
  activities = await startBatchActivities()
  db = activities.db
})
afterAll(() => activities.close())

/** One upload of a batch, with what happens before it is recorded. */
async function upload(key: BatchKey, reach: ActivityDependencies['reach'] = () => {}): Promise<void> {
  expect(await activities.run('upload', key, { reach })).toMatchObject({ phase: 'submit' })
}

/** The files at the provider that were uploaded for this job, and the batch's own. */
async function filesOf({ jobId, batch }: BatchKey): Promise<{ own: string | null; left: string[] }> {
  const { files } = await activities.control.books()
  const { inputFileId } = await loadBatch(db.database.drizzle, jobId, batch)
  return { own: inputFileId, left: files.filter(({ filename }) => filename.includes(jobId)).map(({ id }) => id) }
}

test('a file that was uploaded and never sent goes when another one takes its place', async () => {
  const key = await activities.plannedBatch()
  await upload(key)
  const first = await filesOf(key)
  expect(first.left).toEqual([first.own])
  await updateBatch(db.database.drizzle, key.jobId, key.batch, { status: 'planned' })
  await upload(key)
  const second = await filesOf(key)
  expect(second.own).not.toBe(first.own)
  expect(second.left).toEqual([second.own])
})

test('a file that a submission refers to stays, whatever became of that', async () => {
  const key = await activities.plannedBatch()
  await upload(key)
  const first = await filesOf(key)
  const batch = await loadBatch(db.database.drizzle, key.jobId, key.batch)
  const submission = await intendSubmission(db.database.drizzle, batch, 60_000)
  await closeSubmission(db.database.drizzle, submission?.id ?? 0, 'intended', 'absent', null)
  await updateBatch(db.database.drizzle, key.jobId, key.batch, { status: 'planned' })
  await upload(key)
  const second = await filesOf(key)
  expect(new Set(second.left)).toEqual(new Set([first.own, second.own]))
})

test('an upload whose room was given to others meanwhile does not count, and takes its file away', async () => {
  const key = await activities.plannedBatch()
  await upload(key, async () => void (await db.database.drizzle.delete(leases).where(eq(leases.jobId, key.jobId))))
  expect(await loadBatch(db.database.drizzle, key.jobId, 1)).toMatchObject({ status: 'planned', inputFileId: null })
  expect(await filesOf(key)).toEqual({ own: null, left: [] })
})

test('of two tries that upload at the same time, the slower one takes its own file away', async () => {
  const key = await activities.plannedBatch()
  let isFirst = true
  await upload(key, async () => {
    if (!isFirst) return
    isFirst = false
    await upload(key)
  })
  const { own, left } = await filesOf(key)
  expect(left).toEqual([own])
})
