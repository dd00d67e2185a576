/** Job priorities; a higher number goes first. */
export const priorities = { low: 0, normal: 10, high: 20 } as const
export type Priority = keyof typeof priorities

/** A batch that waits to be sent. */
export interface Ticket {
  readonly jobId: string
  readonly batch: number
  readonly model: string
  readonly priority: number
  readonly tokens: number
  readonly waitingMs: number
}

/** What is in flight at a provider, as leases. */
export interface ProviderLoad {
  readonly batches: number
  readonly tokensByModel: ReadonlyMap<string, number>
  readonly batchesByJob: ReadonlyMap<string, number>
}

export interface ProviderCapacity {
  readonly maxInFlightBatches: number
  /** By model; a model that is not named has no limit. */
  readonly enqueuedTokens: ReadonlyMap<string, number>
}

/** One priority step is made up for by this much waiting, so that nothing starves. */
export const agingStepMs = 30 * 60_000
/** A batch that does not fit yet may be overtaken by smaller ones of its model for this long, then the model's budget drains for it. */
export const overtakingMs = 10 * 60_000

/**
 * Which of the waiting tickets may go now, in order. Higher priority first, where waiting raises priority; equal ones are shared
 * by jobs (the job with the fewest batches in flight goes first), then by age.
 */
export function grantTickets(tickets: readonly Ticket[], load: ProviderLoad, capacity: ProviderCapacity): Ticket[] {
  let freeBatches = capacity.maxInFlightBatches - load.batches
  const tokens = new Map(load.tokensByModel)
  const batchesByJob = new Map(load.batchesByJob)
  const drainingModels = new Set<string>()
  const granted: Ticket[] = []
  let waiting = [...tickets]
  while (freeBatches > 0) {
    // Each grant changes the shares, so the order is found again for the next one. What was passed over stays so: room only gets less.
    waiting.sort((left, right) => compareTickets(left, right, batchesByJob))
    const place = waiting.findIndex((ticket) => {
      if (drainingModels.has(ticket.model)) return false
      const limit = capacity.enqueuedTokens.get(ticket.model)
      const used = tokens.get(ticket.model) ?? 0
      // A ticket above the whole budget could never go: it goes alone, and the provider decides.
      const fits = limit === undefined || used === 0 || used + ticket.tokens <= limit
      if (!fits && ticket.waitingMs >= overtakingMs) drainingModels.add(ticket.model)
      return fits
    })
    const ticket = waiting[place]
    if (ticket === undefined) break
    waiting = waiting.slice(place + 1)
    granted.push(ticket)
    freeBatches -= 1
    tokens.set(ticket.model, (tokens.get(ticket.model) ?? 0) + ticket.tokens)
    batchesByJob.set(ticket.jobId, (batchesByJob.get(ticket.jobId) ?? 0) + 1)
  }
  return granted
}

function compareTickets(left: Ticket, right: Ticket, batchesByJob: ReadonlyMap<string, number>): number {
  return (
    effectivePriority(right) - effectivePriority(left) ||
    (batchesByJob.get(left.jobId) ?? 0) - (batchesByJob.get(right.jobId) ?? 0) ||
    right.waitingMs - left.waitingMs ||
    left.batch - right.batch
  )
}

function effectivePriority(ticket: Ticket): number {
  return ticket.priority + 10 * Math.floor(ticket.waitingMs / agingStepMs)
}
