import { expect, test } from 'vitest'
import { ProviderError } from '../provider.ts'
import { toProviderBatch } from './batch-object.ts'
import { messageBatch } from './local-server.ts'

const batch = (more: Record<string, unknown> = {}) => toProviderBatch(messageBatch(more), 'batch')
const ended = (counts: Record<string, number>, cancelled: string | null = null) =>
  batch({ processing_status: 'ended', request_counts: counts, cancel_initiated_at: cancelled })

test.each([
  ['in_progress', 'in_progress'],
  ['canceling', 'cancelling'],
  ['a_new_word', 'in_progress'],
])('%s is %s, and the own word is kept', (rawStatus, status) => {
  expect(batch({ processing_status: rawStatus })).toMatchObject({ status, rawStatus })
})

test('how it ended is told by what became of its requests', () => {
  const time = '2026-11-21T11:00:00Z'
  expect(ended({ succeeded: 3 }).status).toBe('completed')
  expect(ended({ errored: 3 }).status).toBe('completed')
  expect(ended({ succeeded: 1, expired: 2 }).status).toBe('expired')
  expect(ended({ succeeded: 1, canceled: 2 }, time).status).toBe('cancelled')
  expect(ended({ succeeded: 3 }, time).status).toBe('completed')
  expect(ended({ succeeded: 3 }).rawStatus).toBe('ended')
})

test('there is no marker, but a count from the start', () => {
  expect(batch()).toMatchObject({ marker: null, inputFileId: null, refusal: null, counts: { done: 0, failed: 0, total: 3 } })
  expect(ended({ succeeded: 4, errored: 1, canceled: 2, expired: 3 }).counts).toEqual({ done: 4, failed: 6, total: 10 })
  expect(batch({ request_counts: null }).counts).toBeNull()
})

test('times become dates, and the address of the results is what is read', () => {
  expect(batch({ ended_at: '2026-11-21T12:00:00+01:00', results_url: 'https://x.y/results' })).toMatchObject({
    createdAt: new Date('2026-11-21T10:00:00.123Z'),
    expiresAt: new Date('2026-11-22T10:00:00Z'),
    endedAt: new Date('2026-11-21T11:00:00Z'),
    resultFileIds: ['https://x.y/results'],
  })
  expect(batch({ results_url: '' }).resultFileIds).toEqual([])
})

test.each([null, 'text', {}, messageBatch({ id: '' }), messageBatch({ created_at: 'yesterday' })])('%j is no batch', (value) => {
  expect(() => toProviderBatch(value, 'create')).toThrow(ProviderError)
})
