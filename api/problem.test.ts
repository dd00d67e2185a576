import { expect, test } from 'vitest'
import { BatchwrightError } from '../core/errors.ts'
import { problemOf } from './problem.ts'

test.each([
  new Error('select secret from jobs'),
  new BatchwrightError('internal', 'select secret from jobs', { details: { secret: 1 } }),
  new BatchwrightError('never_heard_of', 'select secret from jobs', { details: { secret: 1 } }),
])('a fault of ours keeps its own text to the log', (error) => {
  const problem = problemOf(error)
  expect(problem).toMatchObject({ status: 500, code: 'internal' })
  expect(JSON.stringify(problem)).not.toContain('secret')
})
