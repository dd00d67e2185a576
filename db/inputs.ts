import type { Database } from './database.ts'

/** An item as it came in. */
export interface StoredInput {
  seq: number
  customId: string
  line: string
}

const rowsPerPage = 500
const bytesPerPage = 2_000_000

/**
 * The lines of a job's items in seq order, a page at a time, no connection held between pages: of all items, or of those that ended otherwise than well. A
 * page ends where its lines add up to `bytesPerPage`.
 */
export async function* readInputs(
  { sql }: Database,
  jobId: string,
  which: 'all' | 'failed',
  afterSeq = 0,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<StoredInput[]> {
  let left = limit
  for (let after = afterSeq; left > 0;) {
    const rows = Math.min(rowsPerPage, left)
    const chosen =
      which === 'all'
        ? sql`select i.seq, i.bytes from items i where i.job_id = ${jobId} and i.seq > ${after} order by i.seq limit ${rows}`
        : sql`
            select o.seq, i.bytes from outcomes o join items i on i.job_id = o.job_id and i.seq = o.seq
            where o.job_id = ${jobId} and o.seq > ${after} and o.status <> 'succeeded' order by o.seq limit ${rows}`
    const page = await sql<StoredInput[]>`
      with sized as (select seq, sum(bytes) over (order by seq) - bytes as before from (${chosen}) c)
      select i.seq, i.custom_id as "customId", i.line from sized s join items i on i.job_id = ${jobId} and i.seq = s.seq
      where s.before < ${bytesPerPage} order by i.seq`
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    after = last.seq
    left -= page.length
  }
}
