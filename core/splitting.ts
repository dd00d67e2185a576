/** What one batch may hold at most. Null: no limit. */
export interface BatchLimits {
  readonly maxRequests: number
  /** Of the provider's own lines, with their line ends. */
  readonly maxBytes: number
  /** Estimated input tokens; a batch is never planned above its model's whole enqueued-token budget. */
  readonly maxTokens: number | null
}

export interface BatchSize {
  readonly requests: number
  readonly bytes: number
  readonly tokens: number
}

export const emptyBatch: BatchSize = { requests: 0, bytes: 0, tokens: 0 }

export function addItem(batch: BatchSize, item: { bytes: number; tokens: number }): BatchSize {
  return { requests: batch.requests + 1, bytes: batch.bytes + item.bytes, tokens: batch.tokens + item.tokens }
}

/** Whether a batch of this size keeps every limit. An item that alone breaks one is refused when the job is created. */
export function isWithinLimits(batch: BatchSize, limits: BatchLimits): boolean {
  return (
    batch.requests <= limits.maxRequests &&
    batch.bytes <= limits.maxBytes &&
    (limits.maxTokens === null || batch.tokens <= limits.maxTokens)
  )
}

/** As many full batches that stand side by side have sizes of their own; a job has 100 batches open at most. */
const distinctSizes = 100

/**
 * The size of a full batch where batches are told apart by nothing but their size: one less for each shard, a tenth less at most. Sizes that come
 * again are far apart, and two that are alike are never sent at once.
 */
export function distinctSize(maxRequests: number, shard: number): number {
  return maxRequests - (shard % Math.min(distinctSizes, Math.floor(maxRequests / 10) + 1))
}

/** Which limit a single item breaks, as a phrase for its error message, or null. */
export function describeOversize(item: { bytes: number; tokens: number }, limits: BatchLimits): string | null {
  if (item.bytes > limits.maxBytes) return `is ${item.bytes} bytes as the provider's line, above its limit of ${limits.maxBytes}`
  if (limits.maxTokens !== null && item.tokens > limits.maxTokens) {
    return `has about ${item.tokens} tokens, above the model's enqueued-token budget of ${limits.maxTokens}`
  }
  return null
}
