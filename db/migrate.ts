import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'

/** Any number that nobody else uses in this database. */
const migrationLock = 7_213_001

/** Brings the database to this version's schema. Safe to run twice and from several processes at once: one migrates, the others wait. */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  try {
    // A session lock on the only connection: held until the connection ends, however this process ends.
    await client`select pg_advisory_lock(${migrationLock})`
    await runMigrations(drizzle(client), { migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)) })
  } finally {
    await client.end({ timeout: 5 })
  }
}
