import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, until, type TestDatabase } from '../test/services.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const backend = 'select pg_backend_pid() as pid'

/** Ends a connection as a crash of Postgres does, and waits until it is gone. */
async function terminate(pid: number): Promise<void> {
  await db.database.sql`select pg_terminate_backend(${pid})`
  await until(
    'the backend to end',
    async () => (await db.database.sql`select 1 from pg_stat_activity where pid = ${pid}`).length === 0,
  )
}

// An uncaught error fails the whole test run, so that these show whether the process would have died.
test('a transaction whose connection is lost is rejected, and the process goes on', async () => {
  const lost = db.database.sql.begin(async (tx) => {
    const [row] = await tx.unsafe<{ pid: number }[]>(backend)
    await terminate(row?.pid as number)
    await tx`select 1`
  })
  await expect(lost).rejects.toThrow('CONNECTION_CLOSED')
  expect(await db.database.sql`select 1 as one`).toEqual([{ one: 1 }])
})

test('the same for Drizzle', async () => {
  const lost = db.database.drizzle.transaction(async (tx) => {
    const [row] = await tx.execute<{ pid: number }>(backend)
    await terminate(row?.pid as number)
    await tx.execute('select 1')
  })
  await expect(lost).rejects.toThrow('CONNECTION_CLOSED')
  expect([...(await db.database.drizzle.execute('select 1 as one'))]).toEqual([{ one: 1 }])
})

test('a transaction that fails by itself is rolled back with its own error', async () => {
  await db.database.sql`create table rolled (id int)`
  const failed = db.database.sql.begin(async (tx) => {
    await tx`insert into rolled values (1)`
    throw new Error('its own')
  })
  await expect(failed).rejects.toThrow('its own')
  expect(await db.database.sql`select * from rolled`).toHaveLength(0)
})

test('a transaction may be a list of statements', async () => {
  const [one, two] = await db.database.sql.begin((tx) => [tx`select 1 as n`, tx`select 2 as n`])
  expect([one, two]).toEqual([[{ n: 1 }], [{ n: 2 }]])
})
