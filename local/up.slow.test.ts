import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import postgres from 'postgres'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { openDatabase } from '../db/database.ts'
import { insertJob } from '../test/job-rows.ts'
import { prepareDataDirectory } from './fixtures/own-ports.ts'
import { findFreePort, isPortFree } from './free-port.ts'
import { pollUntil } from './poll-until.ts'
import { removePostgresCluster } from './postgres-cluster.ts'
import { isRunning } from './process-identity.ts'
import { killRecordedProcesses, runningProcesses } from './process-record.ts'
import type { SpawnedProcess } from './running-process.ts'
import { findTemporalCli } from './temporal-cli.ts'

let dataDir: string
let ups: ChildProcess[]

beforeAll(async () => {
  await findTemporalCli({ notice: (line) => process.stderr.write(`${line}\n`) })
}, 900_000)

beforeEach(async () => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'batchwright-up-')), 'data')
  await prepareDataDirectory(dataDir)
  ups = []
})

afterEach(() => {
  for (const child of ups) child.kill('SIGKILL')
  killRecordedProcesses(join(dataDir, 'processes.json'))
  if (existsSync(dataDir)) removePostgresCluster(dataDir)
  rmSync(join(dataDir, '..'), { recursive: true, force: true })
})

/** `up` in a process of its own, as a shell would start it. Resolves when it says that it is running. */
async function startUp(port: number): Promise<{ child: ChildProcess; output: () => string; ended: Promise<number | null> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'up.ts'), dataDir, String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  ups.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const running = pollUntil(() => (output.includes('stop             Ctrl-C') ? true : undefined), { deadlineMs: 60_000 })
  await Promise.race([running, ended])
  return { child, output: () => output, ended }
}

function recorded(): SpawnedProcess[] {
  return runningProcesses(join(dataDir, 'processes.json'))
}

test('says where everything is; a second one on the directory says who has it; Ctrl-C stops it all', async () => {
  const port = await findFreePort()
  const { child, output, ended } = await startUp(port)
  expect(output()).toContain(`API and docs     http://127.0.0.1:${port}`)
  const ports = JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')) as { temporal: number }
  expect(output()).toContain(`Temporal         127.0.0.1:${ports.temporal}\n`)
  expect(output()).toMatch(/Temporal Web UI {2}http:\/\/127\.0\.0\.1:\d+/)
  expect(output()).toMatch(/ready: postgres/)
  expect(statSync(join(dataDir, 'logs')).mode & 0o777).toBe(0o700)
  const processes = recorded()

  const second = await startUp(port)
  expect(await second.ended).toBe(1)
  expect(second.output().trim().split('\n')).toHaveLength(1)
  expect(second.output()).toContain(`in use by Batchwright process ${child.pid} at http://127.0.0.1:${port}`)

  child.kill('SIGINT')
  expect(await ended).toBe(0)
  expect(processes).toHaveLength(4)
  expect(processes.filter(isRunning)).toEqual([])
}, 60_000)

test('after a kill -9 of it alone, the next one stops the survivors and opens the same data', async () => {
  const port = await findFreePort()
  const first = await startUp(port)
  const survivors = recorded()
  first.child.kill('SIGKILL')
  await first.ended
  expect(survivors.filter(isRunning)).toHaveLength(4)
  expect(await isPortFree(port)).toBe(false)

  const second = await startUp(port)
  expect(second.output()).toContain('API and docs')
  expect(survivors.filter(isRunning)).toEqual([])
  for (const name of ['worker', 'api', 'temporal', 'postgres']) expect(second.output()).toContain(`Stopping ${name}`)
  expect(recorded()).toHaveLength(4)
  second.child.kill('SIGTERM')
  expect(await second.ended).toBe(0)
}, 60_000)

test('after a kill -9 of everything it opens the same data, and says which jobs can not go on', async () => {
  const first = await startUp(await findFreePort())
  const databaseUrl = (): string => {
    const { postgres: port } = JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')) as { postgres: number }
    const password = readFileSync(join(dataDir, 'postgres-password'), 'utf8').trim()
    return `postgres://batchwright:${password}@127.0.0.1:${port}/batchwright`
  }
  const before = openDatabase(databaseUrl(), { maxConnections: 1 })
  await before.sql`create table kept as select 42 as answer`
  await insertJob(before, 1, { simulated: true })
  await before.close()
  first.child.kill('SIGKILL')
  killRecordedProcesses(join(dataDir, 'processes.json'))
  await first.ended

  const second = await startUp(await findFreePort())
  expect(second.output()).toContain(
    "note             1 open job of the simulated openai can't go on here: start with --simulate=openai",
  )
  const after = postgres(databaseUrl(), { max: 1 })
  expect(await after`select answer from kept`).toEqual([{ answer: 42 }])
  await after.end()
}, 60_000)

test('a second Ctrl-C kills at once', async () => {
  const { child, output, ended } = await startUp(await findFreePort())
  const processes = recorded()
  // Stopped processes don't answer a request to end.
  for (const { pid } of processes) process.kill(pid, 'SIGSTOP')
  child.kill('SIGINT')
  await expect.poll(output).toContain('Ctrl-C again kills at once')
  // One key press arrives twice through npm; only a later one counts as the second.
  child.kill('SIGINT')
  const repeat = setInterval(() => child.kill('SIGINT'), 200)
  expect(await ended).toBe(130)
  clearInterval(repeat)
  await expect.poll(() => processes.filter(isRunning), { timeout: 5000 }).toEqual([])
}, 60_000)
