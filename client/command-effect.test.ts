import { expect, test } from 'vitest'
import { afterEffect, hasTakenEffect } from './command-effect.ts'
import { exampleJob, finishedJob } from './testing/scripted-server.ts'

const paused = exampleJob({ status: 'paused', pause: { reason: 'auth', detail: null } })
const endedAgain = finishedJob({ ended_at: '2026-11-21T09:00:00.000Z' })

test.for([
  ['cancel', exampleJob(), exampleJob(), false],
  ['cancel', exampleJob(), exampleJob({ status: 'cancelling' }), true],
  ['pause', exampleJob(), exampleJob(), false],
  ['pause', exampleJob(), paused, true],
  ['pause', exampleJob(), finishedJob(), true],
  ['resume', paused, paused, false],
  ['resume', paused, exampleJob(), true],
  ['retry', finishedJob(), finishedJob(), false],
  ['retry', finishedJob(), exampleJob(), true],
  ['retry', finishedJob(), endedAgain, true],
  ['poll', exampleJob(), exampleJob(), true],
] as const)('%s', ([command, accepted, job, expected]) => {
  expect(hasTakenEffect(command, accepted, job)).toBe(expected)
})

test('a command resolves when its effect is seen', async () => {
  const looks = [finishedJob(), finishedJob(), exampleJob({ round: 2 })]
  expect((await afterEffect('retry', finishedJob(), async () => looks.shift() ?? finishedJob())).round).toBe(2)
})
