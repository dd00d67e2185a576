import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { inject, onTestFinished } from 'vitest'
import { openDatabase, type Database } from '../db/database.ts'
import { templateDatabase } from './global-setup.ts'

export interface TestDatabase {
  readonly url: string
  readonly database: Database
  drop(): Promise<void>
}

/** A migrated, empty database of one's own. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await asAdmin((admin) => admin.unsafe(`create database ${name} template ${templateDatabase}`))
  const url = new URL(inject('adminDatabaseUrl'))
  url.pathname = `/${name}`
  const database = openDatabase(url.href)
  return {
    url: url.href,
    database,
    async drop() {
      await database.close()
      await asAdmin((admin) => admin.unsafe(`drop database if exists ${name} with (force)`))
    },
  }
}

/** A Temporal namespace that no other test file uses. */
export async function claimNamespace(): Promise<string> {
  const index = await asAdmin(async (admin) => Number((await admin`select nextval('test_namespace') as n`)[0]?.['n']))
  const namespace = inject('namespaces')[index - 1]
  if (namespace === undefined) throw new Error('more test files want a namespace than test/global-setup.ts creates')
  return namespace
}

async function asAdmin<Result>(work: (admin: postgres.Sql) => Promise<Result>): Promise<Result> {
  const admin = postgres(inject('adminDatabaseUrl'), { max: 1, onnotice: () => {} })
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

/** Looks again and again until `look` gives something, or fails with what it was waiting for. */
export async function until<Result>(
  what: string,
  look: () => Promise<Result | null | undefined | false> | Result | null | undefined | false,
  timeoutMs = 15_000,
): Promise<Result> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const result = await look()
    if (result !== null && result !== undefined && result !== false) return result
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** Runs at the end of the current test, whatever happened. */
export function afterwards(work: () => Promise<unknown>): void {
  onTestFinished(async () => {
    await work()
  })
}
