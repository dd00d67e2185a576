import { addItem, distinctSize, emptyBatch, isWithinLimits, type BatchLimits, type BatchSize } from './splitting.ts'

/** Where an item of a round goes. */
export interface Destination {
  model: string
  endpoint: string
}

/** What decides which batch an item goes into. */
export interface ShardableItem {
  seq: number
  bytes: number
  tokens: number
  endpoint: string | null
  model: string | null
}

/** The items of one batch to be. */
export interface Shard extends Destination {
  /** From 0 within the round. */
  shard: number
  size: BatchSize
  seqFrom: number
  seqTo: number
}

export interface ShardingRules {
  readonly destinationOf: (item: { endpoint: string | null; model: string | null }) => Destination
  readonly limitsOf: (model: string) => BatchLimits
  /** With `distinct`, full batches of a round have one item less each, where a provider tells batches by nothing but their size. */
  readonly sizes: 'any' | 'distinct'
}

/** Puts items into batches, in the order in which they come; one batch is being filled for each destination. */
export interface Sharder {
  /** Where the item went, and the batch that is full because of it. */
  add(item: ShardableItem): { readonly into: Shard; readonly full: Shard | null }
  /** Those that are being filled. */
  open(): Iterable<Shard>
}

export function createSharder({ destinationOf, limitsOf, sizes }: ShardingRules): Sharder {
  const open = new Map<string, Shard>()
  let nextShard = 0
  const limitsFor = (shard: Shard): BatchLimits => {
    const limits = limitsOf(shard.model)
    return sizes === 'any' ? limits : { ...limits, maxRequests: distinctSize(limits.maxRequests, shard.shard) }
  }
  return {
    add(item) {
      const destination = destinationOf(item)
      const key = `${destination.endpoint} ${destination.model}`
      let into = open.get(key)
      let full: Shard | null = null
      if (into !== undefined && !isWithinLimits(addItem(into.size, item), limitsFor(into))) {
        full = into
        into = undefined
      }
      if (into === undefined) {
        into = { ...destination, shard: nextShard++, size: emptyBatch, seqFrom: item.seq, seqTo: item.seq }
        open.set(key, into)
      }
      into.size = addItem(into.size, item)
      into.seqTo = item.seq
      return { into, full }
    },
    open: () => open.values(),
  }
}
