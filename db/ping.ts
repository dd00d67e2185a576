import { BatchwrightError } from '../core/errors.ts'
import type { Database } from './database.ts'

/** Throws when Postgres can't be reached, or `database_not_migrated` when it lacks our tables. */
export async function ping(database: Database): Promise<void> {
  const [row] = await database.sql<{ migrated: boolean }[]>`select to_regclass('jobs') is not null as migrated`
  if (row?.migrated !== true)
    throw new BatchwrightError('database_not_migrated', 'the database has no tables of ours: run `batchwright migrate`')
}
