import { expect, test } from 'vitest'
import { exampleJob, finishedJob } from '../client/testing/scripted-server.ts'
import { BatchwrightError } from '../core/errors.ts'
import { pauseReasons } from '../core/statuses.ts'
import { exitCodeOfError, exitCodeOfJob } from './exit-codes.ts'

const twoOfThree = { total: 3, pending: 0, submitted: 0, succeeded: 2, failed: 1, expired: 0, cancelled: 0 }

test.for([
  ['completed, all succeeded', finishedJob(), 0],
  ['completed, some failed', finishedJob({ counts: twoOfThree }), 3],
  ['cancelled', finishedJob({ status: 'cancelled', counts: { ...twoOfThree, failed: 0, cancelled: 1 } }), 3],
  ['cancelled too late to matter', finishedJob({ status: 'cancelled' }), 0],
  ['expired', finishedJob({ status: 'expired', counts: { ...twoOfThree, failed: 0, expired: 1 } }), 3],
  ['failed as a whole', finishedJob({ status: 'failed', counts: twoOfThree }), 1],
  ['still running', exampleJob(), 6],
  ['being cancelled', exampleJob({ status: 'cancelling' }), 6],
] as const)('%s', ([, job, code]) => {
  expect(exitCodeOfJob(job)).toBe(code)
})

test('of all pauses only the one made by hand needs nobody', () => {
  const codes = pauseReasons.map((reason) => [
    reason,
    exitCodeOfJob(exampleJob({ status: 'paused', pause: { reason, detail: null } })),
  ])
  expect(codes.filter(([, code]) => code !== 5)).toEqual([['user', 6]])
})

test.for([
  ['wait_timeout', 4],
  ['input_not_found', 2],
  ['ambiguous_job', 2],
  ['unknown_provider', 2],
  ['invalid_input', 1],
  ['job_not_found', 1],
  ['unreachable', 1],
] as const)('the error %s ends with %i', ([code, exitCode]) => {
  expect(exitCodeOfError(new BatchwrightError(code, 'x'))).toBe(exitCode)
})

test('any other error is a failure', () => {
  expect(exitCodeOfError(new TypeError('x'))).toBe(1)
})
