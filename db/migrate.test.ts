import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { expect, inject, test } from 'vitest'
import { afterwards } from '../test/services.ts'
import { migrate } from './migrate.ts'

const migrateModule = fileURLToPath(new URL('./migrate.ts', import.meta.url))

async function migrateInProcess(url: string): Promise<number> {
  const script = `import { migrate } from ${JSON.stringify(migrateModule)}; await migrate(process.argv[1])`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, url], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number]
  return code
}

test('migrate is safe from several processes at once, and twice', async () => {
  const admin = postgres(inject('adminDatabaseUrl'), { max: 1, onnotice: () => {} })
  afterwards(() => admin.end())
  await admin.unsafe('create database migrate_race')
  const url = new URL(inject('adminDatabaseUrl'))
  url.pathname = '/migrate_race'
  expect(await Promise.all([1, 2, 3].map(() => migrateInProcess(url.href)))).toEqual([0, 0, 0])
  await migrate(url.href)
  const database = postgres(url.href, { max: 1, onnotice: () => {} })
  afterwards(() => database.end())
  const tables = await database<
    { name: string }[]
  >`select tablename as name from pg_tables where schemaname = 'public' order by 1`
  expect(tables.map(({ name }) => name)).toEqual([
    'attempts',
    'batch_items',
    'batches',
    'budgets',
    'events',
    'inputs',
    'items',
    'jobs',
    'leases',
    'ledger',
    'outcomes',
    'parts',
    'rejects',
    'submissions',
    'tickets',
    'workers',
  ])
})
