import { describe, expect, test } from 'vitest'
import { toProviderBatch } from './batch-object.ts'
import { batchOperation } from './local-server.ts'

const hours = 3_600_000
const batchOf = (metadata?: Record<string, unknown>, more?: Record<string, unknown>) =>
  toProviderBatch(batchOperation(metadata, more), 'batch', 48 * hours)

test('a batch is told by its name, counted by texts, and expires when the documentation says', () => {
  expect(batchOf()).toEqual({
    id: 'batches/b1',
    status: 'in_progress',
    rawStatus: 'BATCH_STATE_PENDING',
    marker: 'job-x-batch-1-attempt-1',
    counts: { done: 0, failed: 0, total: 3 },
    createdAt: new Date('2026-11-21T10:00:00.123Z'),
    expiresAt: new Date('2026-11-23T10:00:00.123Z'),
    endedAt: null,
    resultFileIds: [],
    inputFileId: 'files/in',
    refusal: null,
  })
  expect(batchOf({ batchStats: { requestCount: '9', successfulRequestCount: '4', failedRequestCount: 2 } }).counts).toEqual({
    done: 4,
    failed: 2,
    total: 9,
  })
  expect(batchOf({ batchStats: undefined }).counts).toBeNull()
  expect(batchOf({ displayName: '' }).marker).toBeNull()
})

test.each([
  ['BATCH_STATE_RUNNING', 'in_progress'],
  ['JOB_STATE_QUEUED', 'in_progress'],
  ['BATCH_STATE_NEW_ONE', 'in_progress'],
  ['JOB_STATE_CANCELLING', 'cancelling'],
  ['BATCH_STATE_SUCCEEDED', 'completed'],
  ['JOB_STATE_PARTIALLY_SUCCEEDED', 'completed'],
  ['BATCH_STATE_FAILED', 'failed'],
  ['JOB_STATE_CANCELLED', 'cancelled'],
  ['BATCH_STATE_EXPIRED', 'expired'],
])('%s is %s', (state, status) => {
  expect(batchOf({ state })).toMatchObject({ status, rawStatus: state })
})

test('without a state the operation says whether it is done', () => {
  expect(batchOf({ state: undefined }).status).toBe('in_progress')
  expect(batchOf({ state: undefined }, { done: true, response: {} }).status).toBe('completed')
  expect(batchOf({ state: undefined }, { done: true, error: { code: 13 } }).status).toBe('failed')
})

test('its end is when it ended, or when it last changed', () => {
  const endTime = '2026-11-21T11:00:00Z'
  expect(batchOf({ state: 'BATCH_STATE_SUCCEEDED', endTime }).endedAt).toEqual(new Date(endTime))
  expect(batchOf({ state: 'BATCH_STATE_CANCELLED', updateTime: endTime }).endedAt).toEqual(new Date(endTime))
})

test('answers are in a file, or in the batch itself, wherever it says so', () => {
  const file = { responsesFile: 'files/batch-b1' }
  expect(batchOf({ output: file }).resultFileIds).toEqual(['files/batch-b1'])
  expect(batchOf({}, { response: file }).resultFileIds).toEqual(['files/batch-b1'])
  expect(batchOf({ output: { responsesFile: '' } }).resultFileIds).toEqual([])
  expect(batchOf({ output: { inlinedResponses: { inlinedResponses: [] } } }).resultFileIds).toEqual(['batches/b1'])
})

test('what was done before a batch expired or was cancelled is lost, and counts for nothing', () => {
  const batchStats = { requestCount: '9', successfulRequestCount: '4' }
  expect(batchOf({ state: 'BATCH_STATE_EXPIRED', batchStats }).counts).toEqual({ done: 0, failed: 0, total: 9 })
  expect(batchOf({ state: 'BATCH_STATE_CANCELLED', batchStats }).counts).toEqual({ done: 0, failed: 0, total: 9 })
  const output = { responsesFile: 'files/batch-b1' }
  expect(batchOf({ state: 'BATCH_STATE_CANCELLED', batchStats, output }).counts).toMatchObject({ done: 4 })
})

describe('a batch that failed', () => {
  test.each([
    [{ code: 3, message: 'line 7 is no request' }, 'input', 'INVALID_ARGUMENT'],
    [{ code: 9, message: 'the file is not there yet' }, 'input', 'FAILED_PRECONDITION'],
    [{ code: 8, message: 'too much' }, 'enqueued_tokens', 'RESOURCE_EXHAUSTED'],
    [{ code: 7, message: 'no' }, 'auth', 'PERMISSION_DENIED'],
    [{ code: 13, message: 'oops' }, 'other', 'INTERNAL'],
    [{ code: 5, message: 'no model' }, 'other', 'NOT_FOUND'],
  ])('for %j is refused: %s', (error, kind, code) => {
    const { refusal } = batchOf({ state: 'BATCH_STATE_FAILED' }, { done: true, error })
    expect(refusal).toEqual({ kind, code, message: error.message, lines: [] })
  })

  test('without a word why is refused all the same', () => {
    expect(batchOf({ state: 'BATCH_STATE_FAILED' }).refusal).toMatchObject({ kind: 'other', code: 'batch_failed' })
  })
})

test('an answer that is no batch is transient: after a create nobody knows whether there is one', () => {
  for (const answer of [null, {}, { name: 'batches/b1' }, { name: 'batches/b1', metadata: { state: 'BATCH_STATE_PENDING' } }]) {
    expect(() => toProviderBatch(answer, 'create', 1)).toThrow(
      expect.objectContaining({ kind: 'transient', code: 'unreadable_answer', certainlyNotApplied: false }),
    )
  }
})
