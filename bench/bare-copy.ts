import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import postgres from 'postgres'

/*
 * What ingest is compared to: nothing but COPY. Its rows are exactly those that Batchwright stored, prepared as COPY text in a file, and its table is
 * one like `items`, with the same key, unique index and storage.
 */
const table = 'bench_items'

export async function createBareTable(sql: postgres.Sql): Promise<void> {
  await sql`create table ${sql(table)} (like items including all)`
}

/**
 * Writes the rows of `items` to a file in COPY's own text format. On a connection of its own: postgres.js leaves the one that a COPY was read from
 * paused, if the file was slower.
 */
export async function exportRows(databaseUrl: string, path: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1 })
  try {
    const rows = await sql`copy items to stdout`.readable()
    await pipeline(rows, createWriteStream(path))
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** COPYs the file into the table, in one transaction, and returns the time it took in milliseconds. */
export async function copyBare(sql: postgres.Sql, path: string): Promise<number> {
  const startedAt = performance.now()
  const copy = await sql`copy ${sql(table)} from stdin`.writable()
  await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), copy)
  return performance.now() - startedAt
}

/** Both tables empty, and no write of an earlier run left to do. */
export async function emptyTables(sql: postgres.Sql): Promise<void> {
  await sql`truncate items, ${sql(table)}`
  await sql`checkpoint`
}

export async function countRows(sql: postgres.Sql, from: 'items' | 'bare'): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from ${sql(from === 'bare' ? table : 'items')}`
  return row?.count ?? 0
}
