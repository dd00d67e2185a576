import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Connection, WorkflowClient } from '@temporalio/client'
import postgres from 'postgres'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { prepareDataDirectory } from './fixtures/own-ports.ts'
import { removePostgresCluster } from './postgres-cluster.ts'
import { isRunning } from './process-identity.ts'
import { killRecordedProcesses, runningProcesses } from './process-record.ts'
import type { SpawnedProcess } from './running-process.ts'
import { type Stack, type StackOptions, startStack } from './stack.ts'
import type { StackStep } from './start-steps.ts'
import { findTemporalCli } from './temporal-cli.ts'

const childCommand = [process.execPath, join(import.meta.dirname, 'fixtures', 'stack-child.ts')]

let dataDir: string
let stacks: Stack[]

beforeAll(async () => {
  await findTemporalCli({ notice: (line) => process.stderr.write(`${line}\n`) })
}, 900_000)

beforeEach(async () => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'batchwright-stack-')), 'data')
  await prepareDataDirectory(dataDir)
  stacks = []
})

afterEach(async () => {
  await Promise.all(stacks.map((stack) => stack.stop()))
  killRecordedProcesses(join(dataDir, 'processes.json'))
  if (existsSync(dataDir)) removePostgresCluster(dataDir)
  rmSync(join(dataDir, '..'), { recursive: true, force: true })
})

async function start(options: Partial<StackOptions> = {}, onStep?: (step: StackStep) => void): Promise<Stack> {
  const stack = await startStack({ dataDir, port: 0, simulate: false, durable: false, childCommand, ...options }, onStep)
  stacks.push(stack)
  return stack
}

function recorded(): SpawnedProcess[] {
  return runningProcesses(join(dataDir, 'processes.json'))
}

describe('the stack', () => {
  test('starts step by step, gives its children what they need, and stops without leaving anything', async () => {
    const environmentFile = join(dataDir, '..', 'environment.json')
    const ready: string[] = []
    const stopped: string[] = []
    process.env['OPENAI_API_KEY'] = 'sk-real'
    process.env['HOST'] = '0.0.0.0'
    let stack: Stack
    try {
      stack = await start(
        {
          simulate: ['openai'],
          stripProviderKeys: true,
          env: { TEST_ENVIRONMENT_FILE: environmentFile },
          configFile: 'some.yaml',
          onEvent: (event) => void (event.type === 'stopped' && stopped.push(event.name)),
        },
        (step) => {
          if (step.state === 'ready') ready.push(step.name)
        },
      )
    } finally {
      delete process.env['OPENAI_API_KEY']
      delete process.env['HOST']
    }
    expect(ready.toSorted()).toEqual(['api', 'database schema', 'postgres', 'simulator', 'temporal', 'worker'])
    expect(ready.indexOf('worker')).toBeGreaterThan(ready.indexOf('temporal'))
    expect((await fetch(`${stack.apiUrl}/readyz`)).status).toBe(200)
    expect((await fetch(stack.simulatorUrl ?? '')).status).toBe(404)

    const environment = JSON.parse(readFileSync(environmentFile, 'utf8')) as Record<string, string>
    expect(environment).toMatchObject({
      DATABASE_URL: stack.databaseUrl,
      TEMPORAL_ADDRESS: stack.temporalAddress,
      TEMPORAL_NAMESPACE: 'default',
      HOST: '127.0.0.1',
      PORT: new URL(stack.apiUrl).port,
      BATCHWRIGHT_SIMULATE: 'openai',
      BATCHWRIGHT_SIMULATOR_URL: stack.simulatorUrl,
      BATCHWRIGHT_TEMPORAL_UI_URL: stack.uiUrl,
      BATCHWRIGHT_CONFIG: join(process.cwd(), 'some.yaml'),
    })
    expect(environment['OPENAI_API_KEY']).toBeUndefined()

    const sql = postgres(stack.databaseUrl, { max: 1 })
    expect(await sql`select to_regclass('jobs')::text as jobs`).toEqual([{ jobs: 'jobs' }])
    await sql.end()

    const processes = recorded()
    expect(processes.map(({ name }) => name).toSorted()).toEqual(['api', 'postgres', 'simulator', 'temporal', 'worker'])
    await stack.stop()
    // Who needs others goes before them.
    expect(stopped).toEqual(['worker', 'api', 'simulator', 'temporal', 'postgres'])
    expect(processes.filter(isRunning)).toEqual([])
    expect(readdirSync(dataDir)).not.toContain('lock.json')
  }, 60_000)

  test('opens the same data at the same ports when it is started again', async () => {
    const first = await start()
    const firstTemporal = await Connection.connect({ address: first.temporalAddress })
    await new WorkflowClient({ connection: firstTemporal }).start('anything', {
      workflowId: 'kept',
      taskQueue: 'nobody',
      args: [],
    })
    await firstTemporal.close()
    await first.stop()

    const second = await start()
    expect(second).toMatchObject({ databaseUrl: first.databaseUrl, temporalAddress: first.temporalAddress, uiUrl: first.uiUrl })
    const connection = await Connection.connect({ address: second.temporalAddress })
    expect((await new WorkflowClient({ connection }).getHandle('kept').describe()).status.name).toBe('RUNNING')
    await connection.close()
  }, 60_000)

  test('brings back each process that is killed', async () => {
    const stack = await start({ workers: 2 })
    expect(stack.processNames().toSorted()).toEqual(['api', 'postgres', 'temporal', 'worker', 'worker-2'])
    for (const name of stack.processNames()) {
      const before = stack.process(name)?.pid
      await stack.kill(name, 'SIGKILL')
      await expect.poll(() => stack.process(name)?.pid ?? before, { timeout: 20_000 }).not.toBe(before)
    }
    const sql = postgres(stack.databaseUrl, { max: 1 })
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
    await sql.end()
    expect((await fetch(`${stack.apiUrl}/readyz`)).status).toBe(200)
  }, 60_000)

  test('starts nothing when the port of the API is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const steps: StackStep[] = []
    try {
      await expect(start({ port }, (step) => steps.push(step))).rejects.toMatchObject({ code: 'port_taken', details: { port } })
    } finally {
      server.close()
    }
    expect(steps).toEqual([])
    expect(recorded()).toEqual([])
    // And the directory is free again.
    expect(readdirSync(dataDir)).not.toContain('lock.json')
  })

  test('stops what had started when one part fails, and says which and where its log is', async () => {
    const steps: StackStep[] = []
    const starting = start({ env: { TEST_WORKER_FAILS: '1' } }, (step) => steps.push(step))
    await expect(starting).rejects.toMatchObject({
      code: 'worker_not_started',
      message: expect.stringMatching(
        /worker did not start \(exit code 3\)\. It said: the key is wrong \(log: .*worker\.log\)/,
      ) as string,
    })
    expect(steps.filter((step) => step.state === 'failed').map((step) => step.name)).toEqual(['worker'])
    expect(recorded()).toEqual([])
  }, 60_000)

  test('stops what had started when its start is aborted', async () => {
    const abort = new AbortController()
    const starting = start({ signal: abort.signal }, (step) => {
      if (step.name === 'postgres' && step.state === 'ready') abort.abort()
    })
    await expect(starting).rejects.toMatchObject({ code: 'start_aborted' })
    expect(recorded()).toEqual([])
    expect(readdirSync(dataDir)).not.toContain('lock.json')
  }, 60_000)

  test('starts nothing for what DATABASE_URL and TEMPORAL_ADDRESS name', async () => {
    const first = await start()
    process.env['DATABASE_URL'] = first.databaseUrl
    process.env['TEMPORAL_ADDRESS'] = first.temporalAddress
    try {
      const second = await start({ dataDir: `${dataDir}-2` })
      expect(second.processNames().toSorted()).toEqual(['api', 'worker'])
      expect(second).toMatchObject({ databaseUrl: first.databaseUrl, temporalAddress: first.temporalAddress, uiUrl: undefined })
      await second.stop()
    } finally {
      delete process.env['DATABASE_URL']
      delete process.env['TEMPORAL_ADDRESS']
    }
  }, 60_000)
})
