import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findFreePort } from '../local/free-port.ts'
import { removePostgresCluster } from '../local/postgres-cluster.ts'
import { killRecordedProcesses } from '../local/process-record.ts'
import type { Stack } from '../local/stack.ts'
import { withStack } from './bench-stack.ts'

const childCommand = [process.execPath, fileURLToPath(new URL('../local/fixtures/stack-child.ts', import.meta.url))]

let directory: string
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'batchwright-bench-'))))
afterEach(() => {
  const dataDir = join(directory, 'stack')
  killRecordedProcesses(join(dataDir, 'processes.json'))
  if (existsSync(dataDir)) removePostgresCluster(dataDir)
  rmSync(directory, { recursive: true, force: true })
})

async function onStack<Result>(work: (stack: Stack) => Promise<Result>): Promise<Result> {
  const ports = { temporal: await findFreePort(), temporalUi: await findFreePort() }
  return await withStack(new AbortController().signal, work, { dataDir: join(directory, 'stack'), childCommand, ports })
}

test.for(['api', 'worker'])('a benchmark whose %s dies by itself fails, and does not measure the one after it', async (name) => {
  const measuring = onStack(async (stack) => {
    process.kill(stack.process(name)?.pid ?? 0, 'SIGABRT')
    // Goes on without it for as long as it is let.
    await stack.failed
  })
  await expect(measuring).rejects.toThrow(`${name} died in the middle of it: `)
  expect(existsSync(join(directory, 'stack'))).toBe(false)
})

test('a worker that the benchmark itself takes away is none that died', async () => {
  const measured = await onStack(async (stack) => {
    await stack.kill('worker', 'SIGKILL', { restart: false })
    await stack.restart('worker')
    return 'measured'
  })
  expect(measured).toBe('measured')
})
