import { expect, test } from 'vitest'
import { step, withSize } from './batch-step.ts'

const small = { bytes: 80_000, items: 20, inputFileId: null }
const large = { bytes: 190e6, items: 50_000, inputFileId: null }

// Jobs of few items must not wait behind uploads of hundreds of megabytes, nor a create behind the uploads of the batches after it.
test.each([
  ['an upload of few lines', 'upload', small, true],
  ['an upload', 'upload', large, false],
  ['few lines that are long', 'upload', { ...large, items: 10 }, false],
  ['many short lines, whose answers may be long', 'fetch', { ...small, items: 5000 }, false],
  ['a create with its lines in it', 'submit', large, false],
  ['the create of an uploaded file', 'submit', { ...large, inputFileId: 'file-1' }, true],
  ['a poll', 'poll', large, undefined],
] as const)('%s: small is %s', (_what, phase, batch, isSmall) => {
  expect(withSize(step(phase, 100, 'd'), batch)).toEqual({
    phase,
    waitMs: 100,
    detail: 'd',
    ...(isSmall === undefined ? {} : { isSmall }),
  })
})
