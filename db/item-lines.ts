import { toStoredItem, type StoredItem } from './batches.ts'
import type { Sql } from './database.ts'

/**
 * The stored lines of some items, in pages that end where the sizes of their lines add up to `pageBytes`: a line may have megabytes, and each page is
 * over before the next one is read.
 */
export async function* readItemLines(
  sqlClient: Sql,
  jobId: string,
  seqs: readonly number[],
  pageBytes = 1_000_000,
): AsyncGenerator<StoredItem[]> {
  for (let after = 0; ;) {
    // The line's own length would be read from where long texts are kept; `bytes`, of the provider's line, is about the same.
    const rows = await sqlClient`
      with sized as (
        select seq, sum(bytes) over (order by seq) - bytes as before from items
        where job_id = ${jobId} and seq = any(${[...seqs]}::int[]) and seq > ${after}
      )
      select i.seq, i.line from sized s join items i on i.job_id = ${jobId} and i.seq = s.seq
      where s.before < ${pageBytes} order by i.seq`.raw()
    const page = rows.map(toStoredItem)
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    after = last.seq
  }
}
