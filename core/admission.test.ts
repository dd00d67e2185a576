import { expect, test } from 'vitest'
import { agingStepMs, grantTickets, overtakingMs, type ProviderLoad, type Ticket } from './admission.ts'

const nothing: ProviderLoad = { batches: 0, tokensByModel: new Map(), batchesByJob: new Map() }

function ticket(jobId: string, batch: number, change: Partial<Ticket> = {}): Ticket {
  return { jobId, batch, model: 'small', priority: 10, tokens: 100, waitingMs: 0, ...change }
}
function names(tickets: readonly Ticket[]): string[] {
  return tickets.map(({ jobId, batch }) => `${jobId}${batch}`)
}

test('no more are granted than there is room for', () => {
  const waiting = Array.from({ length: 10 }, (_, index) => ticket('a', index + 1))
  expect(grantTickets(waiting, { ...nothing, batches: 3 }, { maxInFlightBatches: 5, enqueuedTokens: new Map() })).toHaveLength(2)
  expect(grantTickets(waiting, { ...nothing, batches: 5 }, { maxInFlightBatches: 5, enqueuedTokens: new Map() })).toEqual([])
})

test('higher priority first; equal ones are shared by jobs', () => {
  const waiting = [
    ticket('a', 1, { waitingMs: 9 }),
    ticket('a', 2, { waitingMs: 9 }),
    ticket('b', 1),
    ticket('c', 1, { priority: 20 }),
  ]
  const granted = grantTickets(waiting, nothing, { maxInFlightBatches: 3, enqueuedTokens: new Map() })
  expect(names(granted)).toEqual(['c1', 'a1', 'b1'])
})

test('waiting makes up for priority, so nothing starves', () => {
  const waiting = [ticket('new', 1, { priority: 20 }), ticket('old', 1, { priority: 0, waitingMs: 3 * agingStepMs })]
  expect(names(grantTickets(waiting, nothing, { maxInFlightBatches: 1, enqueuedTokens: new Map() }))).toEqual(['old1'])
})

test('enqueued tokens are kept, by model', () => {
  const capacity = { maxInFlightBatches: 10, enqueuedTokens: new Map([['small', 250]]) }
  const waiting = [ticket('a', 1), ticket('b', 1), ticket('c', 1), ticket('d', 1, { model: 'big', tokens: 9999 })]
  expect(names(grantTickets(waiting, nothing, capacity)).sort()).toEqual(['a1', 'b1', 'd1'])
  expect(names(grantTickets(waiting, { ...nothing, tokensByModel: new Map([['small', 200]]) }, capacity))).toEqual(['d1'])
})

test('a big batch is overtaken by smaller ones for a while only; then its model drains for it', () => {
  const capacity = { maxInFlightBatches: 10, enqueuedTokens: new Map([['small', 250]]) }
  const load = { ...nothing, tokensByModel: new Map([['small', 100]]) }
  const big = ticket('big', 1, { tokens: 240, waitingMs: overtakingMs - 1 })
  expect(names(grantTickets([big, ticket('little', 1)], load, capacity))).toEqual(['little1'])
  expect(grantTickets([{ ...big, waitingMs: overtakingMs }, ticket('little', 1)], load, capacity)).toEqual([])
  expect(names(grantTickets([{ ...big, waitingMs: overtakingMs }, ticket('little', 1)], nothing, capacity))).toEqual(['big1'])
})

test('a batch above the whole budget goes alone rather than never', () => {
  const capacity = { maxInFlightBatches: 10, enqueuedTokens: new Map([['small', 50]]) }
  expect(names(grantTickets([ticket('a', 1), ticket('b', 1)], nothing, capacity))).toEqual(['a1'])
})
