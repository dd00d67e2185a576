import type { Database } from '../db/database.ts'
import type { ListedItem } from '../db/items.ts'

/**
 * The items with `attempts` as results mean it: how often each was sent. A listed item counts the sendings that did not become its outcome; an
 * outcome knows how many there were in all, and what is at the provider is one more.
 */
export async function withSendings(database: Database, jobId: string, items: readonly ListedItem[]): Promise<ListedItem[]> {
  const seqs = items.map(({ seq }) => seq)
  const rows = await database.sql<{ seq: number; attempts: number }[]>`
    select seq, attempts from outcomes where job_id = ${jobId} and seq = any(${seqs}::int[])`
  const known = new Map(rows.map(({ seq, attempts }) => [seq, attempts]))
  return items.map((item) => ({
    ...item,
    attempts: known.get(item.seq) ?? item.attempts + (item.status === 'submitted' ? 1 : 0),
  }))
}
