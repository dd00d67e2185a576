import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { afterwards, createTestDatabase, until, type TestDatabase } from '../test/services.ts'
import { openDatabase } from './database.ts'

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

/** The address of a way to Postgres that resets the first connection at its first statement, whatever that is. */
async function breakingOnce(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  let isBroken = false
  const proxy = createServer((client) => {
    const server = connect({ host: hostname, port: Number(port) })
    server.on('error', () => client.destroy())
    client.on('error', () => server.destroy()).on('end', () => server.end())
    server.pipe(client)
    client.on('data', (data) => {
      if (isBroken || !data.includes('select')) return void server.write(data)
      isBroken = true
      client.resetAndDestroy()
      server.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  afterwards(async () => void proxy.close())
  const way = new URL(url)
  way.hostname = '127.0.0.1'
  way.port = String((proxy.address() as AddressInfo).port)
  return way.href
}

test('a connection that is lost at its first statement rejects this statement, and the process goes on', async () => {
  const database = openDatabase(await breakingOnce(db.url))
  // postgres.js never sees the end of the lost connection, and would wait for it.
  afterwards(() => database.sql.end({ timeout: 0 }))
  await expect(database.sql`select 1 as one`).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(await database.sql`select 1 as one`).toEqual([{ one: 1 }])
})

test('arrays go as parameters, whatever is in them', async () => {
  const texts = ['plain', 'a "quoted", \\ text', '', 'null', '{1,2}', 'line\nend']
  const rows = await db.database.sql<{ text: string; n: number | null }[]>`
    select * from unnest(${texts}::text[], ${[1, null, -3, 4, 5, 6]}::int[]) as given(text, n)`
  expect(rows.map(({ text }) => text)).toEqual(texts)
  expect(rows.map(({ n }) => n)).toEqual([1, null, -3, 4, 5, 6])
  expect(await db.database.sql`select 1 where 'a' = any(${[]}::text[])`).toHaveLength(0)
})
