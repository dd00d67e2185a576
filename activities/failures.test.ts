import { ApplicationFailure } from '@temporalio/activity'
import { expect, test } from 'vitest'
import { BatchwrightError } from '../core/errors.ts'
import { ProviderError } from '../providers/provider.ts'
import { toFailure } from './failures.ts'

test('what a provider says about when to come back is when it is tried again', () => {
  const failure = toFailure(new ProviderError('429 slow down', { kind: 'rate_limited', retryAfterMs: 4000 }))
  expect(failure).toMatchObject({ type: 'provider_rate_limited', nonRetryable: false, nextRetryDelay: 4000 })
})

test('a provider that does not say so leaves it to the retry policy', () => {
  const failure = toFailure(new ProviderError('503 away', { kind: 'transient' }))
  expect(failure).toMatchObject({ type: 'provider_transient', nonRetryable: false })
  expect(failure.nextRetryDelay).toBeUndefined()
})

test.each(['job_not_found', 'batch_not_found', 'invariant_broken'] as const)('%s is not tried again', (code) => {
  expect(toFailure(new BatchwrightError(code, 'gone'))).toMatchObject({ type: code, nonRetryable: true })
})

test('everything else is tried for as long as it takes, with its cause kept', () => {
  const cause = new Error('connection refused')
  expect(toFailure(cause)).toMatchObject({ type: 'internal', nonRetryable: false, cause })
  expect(toFailure(new BatchwrightError('temporal_unavailable', 'away'))).toMatchObject({ nonRetryable: false })
})

test('a failure in Temporal’s own terms stays as it is', () => {
  const failure = ApplicationFailure.nonRetryable('no', 'ours')
  expect(toFailure(failure)).toBe(failure)
})
