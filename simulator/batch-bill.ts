import type { Bill } from './books.ts'

/** What a batch costs, and how much of it the client can find in its results. */
export interface BatchBill {
  readonly requests: number
  readonly deliveredRequests: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  readonly costNanoUsd: string
  readonly deliveredCostNanoUsd: string
}

export const nothingBilled: BatchBill = {
  requests: 0,
  deliveredRequests: 0,
  inputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: '0',
  deliveredCostNanoUsd: '0',
}

export function sumBills(batches: Iterable<{ readonly bill: BatchBill | null }>): Bill {
  const sum: Bill = { requests: 0, input_tokens: 0, output_tokens: 0, cost_nano_usd: 0n }
  for (const { bill } of batches) {
    if (bill === null) continue
    sum.requests += bill.requests
    sum.input_tokens += bill.inputTokens
    sum.output_tokens += bill.outputTokens
    sum.cost_nano_usd += BigInt(bill.costNanoUsd)
  }
  return sum
}

/** A batch's bill as the books show it. */
export interface BillSummary {
  readonly billed_requests: number
  readonly delivered_requests: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cost_nano_usd: string
  readonly delivered_cost_nano_usd: string
}

export function billSummary(bill: BatchBill | null): BillSummary {
  const { requests, deliveredRequests, inputTokens, outputTokens, costNanoUsd, deliveredCostNanoUsd } = bill ?? nothingBilled
  return {
    billed_requests: requests,
    delivered_requests: deliveredRequests,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cost_nano_usd: costNanoUsd,
    delivered_cost_nano_usd: deliveredCostNanoUsd,
  }
}
