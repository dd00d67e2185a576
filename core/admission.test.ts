import * as fc from 'fast-check'
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

test('whatever waits, no limit is exceeded, and nothing that fits is left behind without a reason', () => {
  const models = ['small', 'big', 'without a limit']
  const waiting = fc.array(
    fc.record({
      jobId: fc.constantFrom('a', 'b', 'c'),
      model: fc.constantFrom(...models),
      priority: fc.constantFrom(0, 10, 20),
      tokens: fc.integer({ min: 1, max: 400 }),
      waitingMs: fc.integer({ min: 0, max: 4 * agingStepMs }),
    }),
    { maxLength: 30 },
  )
  const load = fc.record({ batches: fc.nat(12), small: fc.nat(400), big: fc.nat(400) })
  fc.assert(
    fc.property(waiting, load, (values, { batches, small, big }) => {
      const tickets = values.map((value, index) => ({ ...value, batch: index + 1 }))
      const capacity = {
        maxInFlightBatches: 10,
        enqueuedTokens: new Map([
          ['small', 250],
          ['big', 1000],
        ]),
      }
      const before = new Map([
        ['small', small],
        ['big', big],
      ])
      const granted = grantTickets(tickets, { batches, tokensByModel: before, batchesByJob: new Map() }, capacity)
      const after = new Map(before)
      for (const { model, tokens } of granted) {
        const used = after.get(model) ?? 0
        const limit = capacity.enqueuedTokens.get(model) ?? Infinity
        expect(used === 0 || used + tokens <= limit).toBe(true)
        after.set(model, used + tokens)
      }
      expect(new Set(granted).size).toBe(granted.length)
      expect(granted.length).toBeLessThanOrEqual(Math.max(0, 10 - batches))
      if (batches + granted.length >= 10) return
      for (const left of tickets.filter((ticket) => !granted.includes(ticket))) {
        const fits = (after.get(left.model) ?? 0) + left.tokens <= (capacity.enqueuedTokens.get(left.model) ?? Infinity)
        const drains = tickets.some(
          (ticket) => ticket.model === left.model && ticket.waitingMs >= overtakingMs && !granted.includes(ticket),
        )
        expect(fits && !drains).toBe(false)
      }
    }),
  )
})
