import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { claimPart, finishPart, releasePart } from './drafts.ts'
import { createItemRows } from './item-rows.ts'
import { copyItems } from './items.ts'
import { deleteStaleDrafts, finishDeletions } from './job-deletion.ts'
import { claimUpload, removeStaleUploads } from './uploads.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

async function createDraft(id: string): Promise<void> {
  await claimUpload(db.database, {
    id,
    tenant: 'default',
    idempotencyKey: null,
    name: null,
    provider: 'openai',
    model: null,
    endpoint: null,
    simulated: false,
    spec: '{}',
    tags: {},
    priority: 10,
    draft: { parts: 0, lines: 0, defaulted: [], summary: null },
  })
}

async function store(jobId: string, receiving: string, seqs: readonly number[]): Promise<void> {
  const rows = createItemRows(jobId, 100)
  for (const seq of seqs) {
    rows.add({
      customId: `c${seq}`,
      line: Buffer.from('{}'),
      bytes: 1,
      tokens: 1,
      endpoint: null,
      model: null,
      metadata: null,
      warnings: null,
    })
  }
  await copyItems(db.database, { jobId, receiving }, rows, seqs[0] as number)
}

const received = (part: number, items: number) => ({
  part,
  contentHash: `part ${part}`,
  items,
  rejected: 0,
  lines: items,
  bytes: 10,
  summary: null,
})

async function seqsOf(jobId: string): Promise<number[]> {
  const rows = await db.database.sql<{ seq: number }[]>`select seq from items where job_id = ${jobId} order by seq`
  return rows.map(({ seq }) => seq)
}

test('what a request left behind that died is gone before the next one stores anything', async () => {
  await createDraft('left-behind')
  await claimPart(db.database, 'left-behind', 1, 'first')
  await store('left-behind', 'first', [1, 2])
  await finishPart(db.database, 'left-behind', 'first', received(1, 2))
  await claimPart(db.database, 'left-behind', 2, 'dies')
  await store('left-behind', 'dies', [3, 4, 5])
  await claimPart(db.database, 'left-behind', 2, 'comes after')
  expect(await seqsOf('left-behind')).toEqual([1, 2])
  // It was not dead after all.
  await expect(store('left-behind', 'dies', [6])).rejects.toMatchObject({ code: 'upload_broken' })
  await expect(finishPart(db.database, 'left-behind', 'dies', received(2, 3))).rejects.toMatchObject({ code: 'upload_broken' })
  await store('left-behind', 'comes after', [3])
  await releasePart(db.database, 'left-behind', 'dies')
  await finishPart(db.database, 'left-behind', 'comes after', received(2, 1))
  expect(await seqsOf('left-behind')).toEqual([1, 2, 3])
})

test('a part does not stay when a restart of Postgres took items of it away', async () => {
  await createDraft('lossy')
  await claimPart(db.database, 'lossy', 1, 'request')
  await store('lossy', 'request', [1, 2])
  await db.database.sql`delete from items where job_id = 'lossy' and seq = 1`
  await expect(finishPart(db.database, 'lossy', 'request', received(1, 2))).rejects.toMatchObject({ code: 'upload_lost' })
})

const touched = async (id: string, age: string) =>
  await db.database
    .sql`update jobs set created_at = now() - ${age}::interval, touched_at = now() - ${age}::interval where id = ${id}`
const weekMs = 7 * 86_400_000
const deleteStale = async () => await deleteStaleDrafts(db.database, weekMs, { rows: 1_000_000 })

test('a draft is no abandoned upload, and goes when nobody has added to it for long', async () => {
  const ages: Record<string, string> = { young: '1 hour', old: '8 days', 'old with a new part': '8 days' }
  for (const [id, age] of Object.entries(ages)) {
    await createDraft(id)
    await touched(id, age)
  }
  await claimPart(db.database, 'old with a new part', 1, 'request')
  await store('old with a new part', 'request', [1])
  await finishPart(db.database, 'old with a new part', 'request', received(1, 1))
  expect(await removeStaleUploads(db.database, 0)).toBe(0)
  expect(await deleteStale()).toBe(1)
  const left = await db.database.sql`select id from jobs where id = any(${Object.keys(ages)}) order by id`
  expect(left.map(({ id }) => id)).toEqual(['old with a new part', 'young'])
})

test('a draft that gets a part while the old ones are deleted stays', async () => {
  await createDraft('reached in time')
  await touched('reached in time', '8 days')
  await db.database.sql.begin(async (tx) => {
    // A part comes: its row is held, as `claimPart` holds it.
    await tx`select 1 from jobs where id = 'reached in time' for update`
    expect(await deleteStale()).toBe(0)
    await tx`update jobs set touched_at = now() where id = 'reached in time'`
  })
  expect(await deleteStale()).toBe(0)
  expect(await db.database.sql`select 1 from jobs where id = 'reached in time'`).toHaveLength(1)
})

test('into a deleted draft nothing is stored any more, also when its rows are still going', async () => {
  await createDraft('going')
  await claimPart(db.database, 'going', 1, 'request')
  await store('going', 'request', [1, 2])
  await touched('going', '8 days')
  expect(await deleteStaleDrafts(db.database, weekMs, { rows: 1 })).toBe(1)
  await expect(store('going', 'request', [3])).rejects.toMatchObject({ code: 'upload_broken' })
  await db.database.sql`update jobs set deleted_at = now() - interval '2 minutes' where id = 'going'`
  expect(await finishDeletions(db.database, { rows: 1_000_000 })).toBe(1)
  expect(await seqsOf('going')).toEqual([])
})
