import { and, eq, lt } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../test/services.ts'
import { createItemRows } from './item-rows.ts'
import { copyItems } from './items.ts'
import { items } from './schema.ts'
import { claimUpload, createUploadLocks, finishUpload, removeStaleUploads, type UploadLocks } from './uploads.ts'

let db: TestDatabase
let locks: UploadLocks
beforeAll(async () => {
  db = await createTestDatabase()
  locks = createUploadLocks(db.database)
})
afterAll(async () => {
  await locks.close()
  await db.drop()
})

const finished = {
  items: 1,
  rejected: 0,
  inputBytes: 1,
  contentHash: 'h',
  model: null,
  endpoint: null,
  mixed: false,
  itemSchemas: false,
}

async function begin(id: string, idempotencyKey: string | null = null) {
  await locks.acquire(id)
  const job = {
    id,
    tenant: 'default',
    idempotencyKey,
    name: null,
    provider: 'openai',
    model: null,
    endpoint: null,
    simulated: false,
    spec: '{}',
    tags: {},
    priority: 10,
  }
  return await claimUpload(db.database, job)
}

async function store(id: string, seq: number) {
  const rows = createItemRows(id, 10)
  rows.add({
    customId: `c${seq}`,
    line: Buffer.from('{"prompt":"é"}'),
    bytes: 5,
    tokens: 1,
    endpoint: 'e',
    model: null,
    metadata: '{"a":"日本"}',
    warnings: null,
  })
  return await copyItems(db.database, { jobId: id, receiving: null }, rows, seq)
}

const exists = async (id: string) => (await db.database.sql`select 1 from jobs where id = ${id}`).length > 0

describe('an upload', () => {
  test('whose process lives is left alone, however old it is; one whose process died is removed with its items', async () => {
    await begin('living')
    await store('living', 1)
    await begin('dead', 'key')
    await store('dead', 1)
    // What the end of the process does.
    await locks.release('dead')
    expect(await removeStaleUploads(db.database, 3_600_000)).toBe(0)
    expect(await removeStaleUploads(db.database, 0)).toBe(1)
    expect([await exists('living'), await exists('dead')]).toEqual([true, false])
    expect(await db.database.sql`select distinct job_id from items`).toEqual([{ job_id: 'living' }])
    await finishUpload(db.database, 'living', finished)
    await locks.release('living')
    expect(await removeStaleUploads(db.database, 0)).toBe(0)
  })

  test('that died frees its key for the next one at once', async () => {
    await begin('first', 'again')
    await locks.release('first')
    expect(await begin('second', 'again')).toEqual({ outcome: 'claimed' })
    await locks.release('second')
  })

  test('that was taken for abandoned can store nothing more, and does not end as a job', async () => {
    await begin('lost')
    await store('lost', 1)
    await locks.release('lost')
    await removeStaleUploads(db.database, 0)
    await expect(store('lost', 2)).rejects.toMatchObject({ code: 'upload_lost' })
    await expect(finishUpload(db.database, 'lost', finished)).rejects.toMatchObject({ code: 'upload_lost' })
    expect(await db.database.sql`select 1 from items where job_id = 'lost'`).toHaveLength(0)
  })

  test('whose items were lost in a crash of Postgres does not end as a job', async () => {
    await begin('crashed')
    for (const seq of [1, 2, 3]) await store('crashed', seq)
    // A chunk that was acknowledged and was not on the disk yet: gone after the restart.
    await db.database.drizzle.delete(items).where(and(eq(items.jobId, 'crashed'), lt(items.seq, 3)))
    const upload = finishUpload(db.database, 'crashed', { ...finished, items: 3 })
    await expect(upload).rejects.toMatchObject({ code: 'upload_lost' })
    await locks.release('crashed')
  })

  test('goes on when the connection that held its lock is lost, and so do later ones', async () => {
    await begin('unlucky')
    await db.database.sql`
      select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
        and database = (select oid from pg_database where datname = current_database())`
    await store('unlucky', 1)
    await finishUpload(db.database, 'unlucky', finished)
    // The loss may be noticed only now: its caller logs that, and the lock is gone with the connection.
    await locks
      .release('unlucky')
      .catch((error: unknown) => expect(String(error)).toMatch(/ECONNRESET|CONNECTION_(CLOSED|ENDED)|terminating connection/))
    expect(await begin('later')).toEqual({ outcome: 'claimed' })
    await locks.release('later')
  })
})
