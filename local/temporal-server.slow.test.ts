import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { Connection, WorkflowClient } from '@temporalio/client'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import type { SpawnedProcess } from './running-process.ts'
import { registerSearchAttributes } from './search-attributes.ts'
import { findTemporalCli } from './temporal-cli.ts'
import { type RunningTemporalServer, startTemporalServer } from './temporal-server.ts'

let cli: string
let dataDir: string
let running: RunningTemporalServer[]

beforeAll(async () => {
  cli = (await findTemporalCli({ notice: (line) => process.stderr.write(`${line}\n`) })).path
}, 900_000)

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'batchwright-temporal-'))
  running = []
})

afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()))
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(options: Partial<Parameters<typeof startTemporalServer>[0]> = {}): Promise<RunningTemporalServer> {
  const server = await startTemporalServer({ cli, dataDir, uiPort: false, ...options })
  running.push(server)
  return server
}

async function connected<T>(server: RunningTemporalServer, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: server.address })
  try {
    return await use(connection)
  } finally {
    await connection.close()
  }
}

async function startWorkflow(server: RunningTemporalServer, workflowId: string): Promise<void> {
  await connected(server, async (connection) => {
    const client = new WorkflowClient({ connection })
    await client.start('anything', { workflowId, taskQueue: 'nobody', args: [] })
  })
}

function status(server: RunningTemporalServer, workflowId: string): Promise<string> {
  return connected(server, async (connection) => {
    const { status: found } = await new WorkflowClient({ connection }).getHandle(workflowId).describe()
    return found.name
  })
}

describe('the Temporal dev server', () => {
  test('keeps closed workflows for 30 days and finds jobs by our search attributes, in every namespace', async () => {
    const server = await start({ inMemory: true, namespaces: ['one', 'two'] })
    await connected(server, async (connection) => {
      for (const namespace of ['default', 'one', 'two']) {
        const described = await connection.workflowService.describeNamespace({ namespace })
        expect(described.config?.workflowExecutionRetentionTtl?.seconds?.toNumber()).toBe(30 * 24 * 3600)
        const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
        expect(customAttributes).toMatchObject({ JobId: 2, JobName: 2, Provider: 2, JobStatus: 2 })
      }
    })
  })

  test('goes on with its workflows when it is started again at once on the same SQLite file', async () => {
    const first = await start()
    await startWorkflow(first, 'kept')
    await first.stop()
    const second = await start({ port: first.port })
    expect(await status(second, 'kept')).toBe('RUNNING')
  })

  test('goes on with its workflows after a kill -9', async () => {
    const first = await start()
    await startWorkflow(first, 'kept')
    first.process.signal('SIGKILL')
    await first.process.exited
    const second = await start({ port: first.port })
    expect(await status(second, 'kept')).toBe('RUNNING')
  })

  test('waits for a SQLite file that its predecessor still holds', async () => {
    const first = await start()
    await first.stop()
    const holder = new DatabaseSync(join(dataDir, 'temporal', 'temporal.db'))
    holder.exec('begin exclusive')
    const spawned: SpawnedProcess[] = []
    const starting = start({ onSpawn: (one) => spawned.push(one) })
    try {
      await expect.poll(() => spawned.length, { timeout: 15_000 }).toBeGreaterThan(1)
    } finally {
      holder.close()
    }
    const second = await starting
    expect(second.process.pid).toBe(spawned.at(-1)?.pid)
    await startWorkflow(second, 'after-the-wait')
    expect(await status(second, 'after-the-wait')).toBe('RUNNING')
  }, 40_000)

  test('shows the Web UI on loopback', async () => {
    const server = await start({ inMemory: true, uiPort: undefined })
    expect(server.uiUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    await expect.poll(async () => (await fetch(server.uiUrl ?? '')).status, { timeout: 10_000 }).toBe(200)
  })

  test('says which port is taken', async () => {
    const first = await start({ inMemory: true })
    await expect(start({ inMemory: true, port: first.port })).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringContaining(String(first.port)) as string,
    })
  })

  test('says what it said when it ends at its start', async () => {
    await expect(start({ cli: '/bin/false' })).rejects.toMatchObject({
      code: 'temporal_not_started',
      message: expect.stringContaining(join(dataDir, 'logs', 'temporal.log')) as string,
    })
  })
})

describe('search attributes', () => {
  test('registering them again changes nothing', async () => {
    const server = await start({ inMemory: true })
    await connected(server, async (connection) => {
      expect(await registerSearchAttributes(connection, 'default')).toBe(true)
    })
  })

  test('where they cannot be registered it warns once and goes on', async () => {
    const server = await start({ inMemory: true })
    const warnings: string[] = []
    await connected(server, async (connection) => {
      expect(await registerSearchAttributes(connection, 'no-such-namespace', (line) => warnings.push(line))).toBe(false)
      expect(await registerSearchAttributes(connection, 'no-such-namespace', (line) => warnings.push(line))).toBe(false)
    })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('no-such-namespace')
  })
})
