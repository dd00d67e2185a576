import { describe, expect, test } from 'vitest'
import { ProviderError } from '../provider.ts'
import { toProviderBatch } from './batch-object.ts'

const batch = (more: Record<string, unknown>) =>
  toProviderBatch({ id: 'batch_1', status: 'in_progress', input_file_id: 'file-in', created_at: 1_000, ...more }, 'batch')

test.each([
  ['validating', 'in_progress'],
  ['in_progress', 'in_progress'],
  ['finalizing', 'in_progress'],
  ['a_new_word', 'in_progress'],
  ['cancelling', 'cancelling'],
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['expired', 'expired'],
  ['cancelled', 'cancelled'],
])('%s is %s, and the own word is kept', (rawStatus, status) => {
  expect(batch({ status: rawStatus })).toMatchObject({ status, rawStatus })
})

test('empty, null and absent file ids are left out', () => {
  expect(batch({ output_file_id: '', error_file_id: null }).resultFileIds).toEqual([])
  expect(batch({ output_file_id: 'file-out', error_file_id: '' }).resultFileIds).toEqual(['file-out'])
  expect(batch({ output_file_id: 'file-out', error_file_id: 'file-err' }).resultFileIds).toEqual(['file-out', 'file-err'])
})

test('seconds become dates, and the marker is the input file', () => {
  expect(batch({ expires_at: 87_400, completed_at: 2_000 })).toMatchObject({
    createdAt: new Date(1_000_000),
    expiresAt: new Date(87_400_000),
    endedAt: new Date(2_000_000),
    marker: 'file-in',
    refusal: null,
  })
})

test('counts of zero say nothing', () => {
  expect(batch({ request_counts: { total: 0, completed: 0, failed: 0 } }).counts).toBeNull()
  expect(batch({ request_counts: { total: 5, completed: 2, failed: 1 } }).counts).toEqual({ done: 2, failed: 1, total: 5 })
})

test.each([null, 'text', {}, { id: '', status: 'x', created_at: 1 }, { id: 'b', status: 'completed' }])(
  '%j is no batch',
  (value) => {
    expect(() => toProviderBatch(value, 'create')).toThrow(ProviderError)
  },
)

describe('a batch refused whole', () => {
  const refusal = (...data: unknown[]) => batch({ status: 'failed', errors: { object: 'list', data } }).refusal

  test('for lines: each with its number', () => {
    expect(
      refusal(
        { code: 'invalid_json_line', message: 'This line is not parseable as valid JSON.', line: 3 },
        { code: 'duplicate_custom_id', message: 'Again.', line: 9, param: 'custom_id' },
      ),
    ).toEqual({
      code: 'invalid_json_line',
      message: 'This line is not parseable as valid JSON.',
      kind: 'input',
      lines: [
        { line: 3, code: 'invalid_json_line', message: 'This line is not parseable as valid JSON.' },
        { line: 9, code: 'duplicate_custom_id', message: 'Again.' },
      ],
    })
  })

  test.each([
    [{ code: 'token_limit_exceeded', message: 'Enqueued token limit reached for gpt-4o', line: null }, 'enqueued_tokens'],
    [{ code: null, message: 'Enqueued token limit reached for gpt-4o in organization x' }, 'enqueued_tokens'],
    [{ code: 'billing_hard_limit_reached', message: 'x' }, 'auth'],
    [{ code: 'insufficient_quota', message: 'x' }, 'auth'],
    [{ code: 'empty_file', message: 'x' }, 'input'],
    [{ code: 'too_many_tasks', message: 'x' }, 'input'],
    [{ code: 'model_not_found', message: 'x', line: 1, param: 'body.model' }, 'other'],
    [{ code: 'something_new', message: 'x' }, 'other'],
  ])('%j is %s', (error, kind) => {
    expect(refusal(error)).toMatchObject({ kind, lines: [] })
  })

  test('without a reason', () => {
    expect(batch({ status: 'failed' }).refusal).toMatchObject({ code: 'batch_failed', kind: 'other' })
  })
})
