import { expect, test } from 'vitest'
import type { Readiness } from './contracts/health.ts'
import { watchReadiness } from './readiness-watch.ts'

function readiness(postgres: boolean, temporal: boolean): Readiness {
  const part = (ready: boolean) => ({ ready, detail: ready ? null : 'connect ECONNREFUSED' })
  return { ready: postgres && temporal, postgres: part(postgres), temporal: part(temporal), worker: part(true) }
}

/** What is said while this is read, one after the other. */
async function said(...reads: Readiness[]): Promise<string[]> {
  const lines: string[] = []
  const record = (_fields: object, message: string) => void lines.push(message)
  const stopping = new AbortController()
  const read = async () => {
    const next = reads.shift() as Readiness
    if (reads.length === 0) stopping.abort()
    return next
  }
  await watchReadiness(read, { debug() {}, info: record, warn: record, error: record }, stopping.signal, 1)
  return lines
}

const temporalMissing = 'temporal is not reachable; trying again until it is'
const postgresMissing = 'postgres is not reachable; trying again until it is'

test('nothing is said while all is there', async () => {
  expect(await said(readiness(true, true), readiness(true, true))).toEqual([])
})

test('a part that is missing is named once, and once more when it is back, each time that it goes', async () => {
  const away = readiness(true, false)
  const back = readiness(true, true)
  expect(await said(away, away, away, back, back, away, away)).toEqual([
    temporalMissing,
    'temporal is reachable again',
    temporalMissing,
  ])
})

test('each part is told for itself', async () => {
  expect(await said(readiness(false, false), readiness(false, true), readiness(true, true))).toEqual([
    postgresMissing,
    temporalMissing,
    'temporal is reachable again',
    'postgres is reachable again',
  ])
})
