import type { OutcomeStatus } from '../core/statuses.ts'
import type { Database } from './database.ts'

/** An item of one job and the one of the same `custom_id` of another; a side is null where the job has no such item. */
export interface ItemPair {
  customId: string
  first: ComparedOutcome | null
  second: ComparedOutcome | null
}

export interface ComparedOutcome {
  /** Null while there is no outcome. */
  status: OutcomeStatus | null
  /** JSON of the answer's content. */
  answer: string | null
}

interface PairRow {
  seq: number
  customId: string
  firstStatus: OutcomeStatus | null
  firstAnswer: string | null
  isInSecond: boolean
  secondStatus: OutcomeStatus | null
  secondAnswer: string | null
}

const rowsPerPage = 200

/** All items of the first job in its order, a page at a time, each with its counterpart in the second. */
export async function* readPairs({ sql }: Database, firstJobId: string, secondJobId: string): AsyncGenerator<ItemPair[]> {
  for (let after = 0; ;) {
    const rows = await sql<PairRow[]>`
      select i.seq, i.custom_id as "customId", o.status as "firstStatus", o.answer as "firstAnswer", s.seq is not null as "isInSecond",
        p.status as "secondStatus", p.answer as "secondAnswer"
      from (select seq, custom_id from items where job_id = ${firstJobId} and seq > ${after} order by seq limit ${rowsPerPage}) i
      left join outcomes o on o.job_id = ${firstJobId} and o.seq = i.seq
      left join items s on s.job_id = ${secondJobId} and s.custom_id = i.custom_id
      left join outcomes p on p.job_id = ${secondJobId} and p.seq = s.seq
      order by i.seq`
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.map((row) => ({
      customId: row.customId,
      first: { status: row.firstStatus, answer: row.firstAnswer },
      second: row.isInSecond ? { status: row.secondStatus, answer: row.secondAnswer } : null,
    }))
    after = last.seq
  }
}
