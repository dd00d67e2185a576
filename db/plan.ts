import { addItem, distinctSize, emptyBatch, isWithinLimits, type BatchLimits, type BatchSize } from '../core/splitting.ts'
import type { Database, Transaction } from './database.ts'
import type { JobRow } from './job-state.ts'

/** Where an item of a round goes. */
export interface Destination {
  model: string
  endpoint: string
}

export interface RoundPlan {
  /** Batches planned; 0 when another planner was first, or nothing is left. */
  batches: number
  items: number
}

interface PlannedItem {
  seq: number
  bytes: number
  tokens: number
  endpoint: string | null
  model: string | null
}

interface Shard extends Destination {
  batch: number
  shard: number
  size: BatchSize
  seqFrom: number
  seqTo: number
}

const itemsPerPage = 10_000
/** Rows of batch_items written at once. */
const membersPerInsert = 10_000

/**
 * Plans the next round of a job: every item without an outcome goes into exactly one batch. One transaction under the job's row lock, which
 * raises the job's round: a second planner finds it raised and plans nothing. Items are read in pages, so the memory is flat.
 * In round 1 of a job with one destination a batch is a seq range; otherwise its items are listed. With `distinct` sizes, full batches of a round
 * have one item less each, where a provider tells batches by nothing but their size.
 */
export async function planRound(
  database: Database,
  job: JobRow,
  round: number,
  destinationOf: (item: { endpoint: string | null; model: string | null }) => Destination,
  limitsOf: (model: string) => BatchLimits,
  sizes: 'any' | 'distinct' = 'any',
): Promise<RoundPlan> {
  return await database.sql.begin(async (tx) => {
    const [locked] = await tx<{ round: number }[]>`select round from jobs where id = ${job.id} for update`
    if (locked === undefined || locked.round !== round - 1) return { batches: 0, items: 0 }
    // Most jobs end with an answer to every item: one look at the index, where the pages below would look up each item to find none.
    const [answered] = await tx<{ outcomes: number }[]>`select count(*)::int as outcomes from outcomes where job_id = ${job.id}`
    if (answered?.outcomes === job.items) return { batches: 0, items: 0 }
    const isFirst = round === 1 && answered?.outcomes === 0
    const isListed = !isFirst || job.mixed
    const [numbers] = await tx<
      { last: number }[]
    >`select coalesce(max(batch), 0)::int as last from batches where job_id = ${job.id}`
    let nextBatch = (numbers?.last ?? 0) + 1
    let nextShard = 0
    let itemCount = 0
    let batchCount = 0
    const open = new Map<string, Shard>()
    let members: Array<{ batch: number; seq: number }> = []

    const limitsFor = (shard: Shard): BatchLimits => {
      const limits = limitsOf(shard.model)
      return sizes === 'any' ? limits : { ...limits, maxRequests: distinctSize(limits.maxRequests, shard.shard) }
    }
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
        values (${job.id}, ${shard.batch}, ${round}, ${shard.shard}, ${job.provider}, ${job.simulated}, ${shard.model}, ${shard.endpoint}, ${isListed},
          ${shard.seqFrom}, ${shard.seqTo}, ${shard.size.requests}, ${shard.size.bytes}, ${shard.size.tokens})`
    }

    for (let after = 0; ;) {
      const page = await (isFirst ? readItems(tx, job.id, after) : readUnanswered(tx, job.id, after))
      const last = page.at(-1)
      if (last === undefined) break
      after = last.seq
      for (const item of page) {
        const destination = destinationOf(item)
        const key = `${destination.endpoint} ${destination.model}`
        let shard = open.get(key)
        if (shard !== undefined && !isWithinLimits(addItem(shard.size, item), limitsFor(shard))) {
          await close(shard)
          shard = undefined
        }
        if (shard === undefined) {
          shard = { ...destination, batch: nextBatch++, shard: nextShard++, size: emptyBatch, seqFrom: item.seq, seqTo: item.seq }
          open.set(key, shard)
        }
        shard.size = addItem(shard.size, item)
        shard.seqTo = item.seq
        itemCount += 1
        if (isListed) {
          members.push({ batch: shard.batch, seq: item.seq })
          if (members.length >= membersPerInsert) await writeMembers()
        }
      }
    }
    await writeMembers()
    for (const shard of open.values()) await close(shard)
    if (batchCount > 0) await tx`update jobs set round = ${round} where id = ${job.id}`
    return { batches: batchCount, items: itemCount }
  })
}

async function readItems(tx: Transaction, jobId: string, after: number): Promise<PlannedItem[]> {
  return await tx<PlannedItem[]>`
    select seq, bytes, tokens, endpoint, model from items where job_id = ${jobId} and seq > ${after} order by seq limit ${itemsPerPage}`
}

/**
 * One look-up of an outcome by key an item: as `not exists` it would be a join, whose plan is a bad one before the job is in the statistics. What
 * an earlier attempt adds to a line (a rejected answer shown again) is never longer than what is stored of it.
 */
async function readUnanswered(tx: Transaction, jobId: string, after: number): Promise<PlannedItem[]> {
  return await tx<PlannedItem[]>`
    select i.seq, i.bytes + coalesce(a.extra, 0) as bytes, i.tokens + coalesce(a.extra, 0) / 4 as tokens, i.endpoint, i.model
    from items i
    left join lateral (
      select sum(coalesce(octet_length(answer), 0) + octet_length(error) + 1000)::int as extra from attempts
      where job_id = i.job_id and seq = i.seq and error_class in ('invalid_output', 'truncated')
    ) a on true
    where i.job_id = ${jobId} and i.seq > ${after}
      and (select true from outcomes o where o.job_id = i.job_id and o.seq = i.seq) is null
    order by i.seq limit ${itemsPerPage}`
}
