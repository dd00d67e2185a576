import { createSharder, type Shard, type ShardableItem, type ShardingRules } from '../core/sharding.ts'
import type { Database, Sql, Transaction } from './database.ts'
import type { JobRow } from './job-state.ts'

export interface RoundPlan {
  /** Batches planned; 0 when another planner was first, or nothing is left. */
  batches: number
  items: number
}

const itemsPerPage = 10_000
/** Of Postgres' integers. */
const maxSeq = 2 ** 31 - 1
/** Rows of batch_items written at once. */
const membersPerInsert = 10_000

/**
 * Plans the next round of a job: every item without an outcome goes into exactly one batch. One transaction under the job's row lock, which
 * raises the job's round: a second planner finds it raised and plans nothing. Items are read in pages, so the memory is flat.
 * While no item was sent before (in round 1, and in the one after a canary), a batch of a job with one destination is a seq range; otherwise its items are
 * listed. With `upToSeq` the round has the items up to there only; the job's rounds count from `firstRound` at the earliest from then on.
 */
export async function planRound(
  database: Database,
  job: JobRow,
  round: number,
  rules: ShardingRules,
  { upToSeq = maxSeq, firstRound = 1 }: { upToSeq?: number; firstRound?: number } = {},
): Promise<RoundPlan> {
  return await database.sql.begin(async (tx) => {
    const [locked] = await tx<{ round: number }[]>`select round from jobs where id = ${job.id} for update`
    if (locked === undefined || locked.round !== round - 1) return { batches: 0, items: 0 }
    // Most jobs end with an answer to every item: one look at the index, where the pages below would look up each item to find none.
    const [planned] = await tx<{ batch: number; seq: number }[]>`
      select coalesce(max(batch), 0)::int as batch, coalesce(max(seq_to), 0)::int as seq from batches where job_id = ${job.id}`
    const { batch: lastBatch, seq: lastSeq } = planned ?? { batch: 0, seq: 0 }
    const [answered] = await tx<{ outcomes: number; beyond: number }[]>`
      select count(*)::int as outcomes, (count(*) filter (where seq > ${lastSeq}))::int as beyond from outcomes where job_id = ${job.id}`
    if (answered?.outcomes === job.items) return { batches: 0, items: 0 }
    // What is left was never sent: all before it is answered, nothing of it is.
    const isFirst = answered?.outcomes === lastSeq && answered.beyond === 0
    const isListed = !isFirst || job.mixed
    const firstBatch = lastBatch + 1
    const sharder = createSharder(rules)
    let itemCount = 0
    let batchCount = 0
    let members: Array<{ batch: number; seq: number }> = []

    const writeMembers = async () => {
      if (members.length === 0) return
      await tx`
        insert into batch_items (job_id, batch, seq)
        select ${job.id}, m.batch, m.seq from unnest(${members.map((m) => m.batch)}::int[], ${members.map((m) => m.seq)}::int[]) as m(batch, seq)`
      members = []
    }
    const close = async (shard: Shard) => {
      batchCount += 1
      await tx`
        insert into batches (job_id, batch, round, shard, provider, simulated, model, endpoint, listed, seq_from, seq_to, items, bytes, tokens)
        values (${job.id}, ${firstBatch + shard.shard}, ${round}, ${shard.shard}, ${job.provider}, ${job.simulated}, ${shard.model}, ${shard.endpoint}, ${isListed},
          ${shard.seqFrom}, ${shard.seqTo}, ${shard.size.requests}, ${shard.size.bytes}, ${shard.size.tokens})`
    }

    for (let after = isFirst ? lastSeq : 0; ;) {
      const page = await (isFirst ? readItems(tx, job.id, after, upToSeq) : readUnanswered(tx, job.id, after, upToSeq))
      const last = page.at(-1)
      if (last === undefined) break
      after = last.seq
      for (const item of page) {
        const { into, full } = sharder.add(item)
        if (full !== null) await close(full)
        itemCount += 1
        if (isListed) {
          members.push({ batch: firstBatch + into.shard, seq: item.seq })
          if (members.length >= membersPerInsert) await writeMembers()
        }
      }
    }
    await writeMembers()
    for (const shard of sharder.open()) await close(shard)
    if (batchCount > 0)
      await tx`update jobs set round = ${round}, first_round = greatest(first_round, ${firstRound}) where id = ${job.id}`
    return { batches: batchCount, items: itemCount }
  })
}

/** What decides how the items of a job are put into batches, a page at a time. */
export async function readItems(tx: Sql | Transaction, jobId: string, after: number, upToSeq = maxSeq): Promise<ShardableItem[]> {
  return await tx<ShardableItem[]>`
    select seq, bytes, tokens, endpoint, model from items where job_id = ${jobId} and seq > ${after} and seq <= ${upToSeq}
    order by seq limit ${itemsPerPage}`
}

/** What is dropped or changed for the provider, as JSON arrays, the most frequent first. */
export async function countWarnings(
  database: Database,
  jobId: string,
  limit: number,
): Promise<Array<{ warnings: string; items: number }>> {
  return await database.sql<Array<{ warnings: string; items: number }>>`
    select warnings, count(*)::int as items from items where job_id = ${jobId} and warnings is not null
    group by warnings order by count(*) desc, warnings limit ${limit}`
}

/**
 * One look-up of an outcome by key an item: as `not exists` it would be a join, whose plan is a bad one before the job is in the statistics. What
 * an earlier attempt adds to a line (a rejected answer shown again) is never longer than what is stored of it.
 */
async function readUnanswered(tx: Transaction, jobId: string, after: number, upToSeq: number): Promise<ShardableItem[]> {
  return await tx<ShardableItem[]>`
    select i.seq, i.bytes + coalesce(a.extra, 0) as bytes, i.tokens + coalesce(a.extra, 0) / 4 as tokens, i.endpoint, i.model
    from items i
    left join lateral (
      select sum(coalesce(octet_length(answer), 0) + octet_length(error) + 1000)::int as extra from attempts
      where job_id = i.job_id and seq = i.seq and error_class in ('invalid_output', 'truncated')
    ) a on true
    where i.job_id = ${jobId} and i.seq > ${after} and i.seq <= ${upToSeq}
      and (select true from outcomes o where o.job_id = i.job_id and o.seq = i.seq) is null
    order by i.seq limit ${itemsPerPage}`
}
