import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { isPortListening } from './free-port.ts'
import { pollUntil } from './poll-until.ts'
import { type RunningPostgres, startPostgres } from './postgres.ts'
import { removePostgresCluster } from './postgres-cluster.ts'
import { findPostgresUser } from './postgres-user.ts'
import { isRunning, processCommandLine } from './process-identity.ts'
import type { SpawnedProcess } from './running-process.ts'

let dataDir: string
let running: RunningPostgres[]

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'batchwright-postgres-'))
  running = []
})

afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()))
  removePostgresCluster(dataDir)
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(options: Partial<Parameters<typeof startPostgres>[0]> = {}): Promise<RunningPostgres> {
  const server = await startPostgres({ dataDir, durable: false, ...options })
  running.push(server)
  return server
}

async function query(databaseUrl: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined })
  try {
    return await sql.unsafe(text)
  } finally {
    await sql.end()
  }
}

describe('Postgres of a data directory', () => {
  test('keeps its data and its password over a restart', async () => {
    const first = await start()
    await query(first.databaseUrl, 'create table kept as select 42 as answer')
    await first.stop()
    expect(await isPortListening(first.port)).toBe(false)

    const second = await start()
    expect(second.password).toBe(first.password)
    expect(await query(second.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  test('starts again after a kill -9 with everything that was committed', async () => {
    const first = await start()
    await query(first.databaseUrl, 'create table kept as select 42 as answer')
    first.process.signal('SIGKILL')
    await first.process.exited
    expect(existsSync(join(first.directory, 'postmaster.pid'))).toBe(true)

    const second = await start({ port: first.port })
    expect(await query(second.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  test('stops a server that an earlier run left on the same data', async () => {
    const first = await start()
    const notices: string[] = []
    const second = await start({ notice: (line) => notices.push(line) })

    expect(await first.process.exited).toMatchObject({ code: 0 })
    expect(notices.join('\n')).toContain(`Stopping Postgres ${first.process.pid}`)
    expect(await query(second.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('starts although the pid in postmaster.pid belongs to another program now', async () => {
    const first = await start()
    await first.stop()
    // A program of the user that Postgres runs as: others Postgres itself knows for strangers.
    const user = await findPostgresUser()
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore', ...(user && { uid: user.uid, gid: user.gid }) })
    try {
      writeFileSync(join(first.directory, 'postmaster.pid'), `${stranger.pid}\n${first.directory}\n`)
      const second = await start()
      expect(await query(second.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
      expect(processCommandLine(stranger.pid ?? 0)).toContain('sleep')
    } finally {
      stranger.kill()
    }
  })

  test('refuses a wrong password, listens on loopback only and on no socket, and shuts its files to others', async () => {
    const server = await start()
    await expect(query(server.databaseUrl.replace(server.password, 'wrong'), 'select 1')).rejects.toMatchObject({ code: '28P01' })
    expect(
      await query(
        server.databaseUrl,
        "select current_setting('listen_addresses') as a, current_setting('unix_socket_directories') as s",
      ),
    ).toEqual([{ a: '127.0.0.1', s: '' }])
    expect(statSync(server.directory).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'postgres-password')).mode & 0o777).toBe(0o600)
  })

  test('is durable unless told otherwise', async () => {
    const text =
      "select current_setting('fsync') as f, current_setting('synchronous_commit') as s, current_setting('full_page_writes') as p"
    const durable = await startPostgres({ dataDir })
    running.push(durable)
    expect(await query(durable.databaseUrl, text)).toEqual([{ f: 'on', s: 'on', p: 'on' }])
    await durable.stop()
    expect(await query((await start()).databaseUrl, text)).toEqual([{ f: 'off', s: 'on', p: 'off' }])
  })

  test('leads a process group of its own and is reported the moment it is spawned', async () => {
    const spawned: SpawnedProcess[] = []
    const server = await start({ onSpawn: (one) => spawned.push(one) })
    expect(spawned).toMatchObject([{ name: 'postgres', pid: server.process.pid, stopSignal: 'SIGINT' }])
    expect(spawned.every(isRunning)).toBe(true)
    expect(() => process.kill(-server.process.pid, 0)).not.toThrow()
  })

  test('says which port is taken', async () => {
    const first = await start()
    const other = mkdtempSync(join(tmpdir(), 'batchwright-postgres-'))
    try {
      await expect(startPostgres({ dataDir: other, durable: false, port: first.port })).rejects.toMatchObject({
        code: 'port_taken',
        message: expect.stringContaining(String(first.port)) as string,
      })
    } finally {
      rmSync(other, { recursive: true, force: true })
    }
  })

  test('stops and leaves nothing when its start is aborted', async () => {
    const abort = new AbortController()
    const spawned: SpawnedProcess[] = []
    const starting = start({ signal: abort.signal, onSpawn: (one) => (spawned.push(one), abort.abort()) })
    await expect(starting).rejects.toMatchObject({ name: 'AbortError' })
    expect(await pollUntil(() => (spawned.some(isRunning) ? undefined : true), { deadlineMs: 5000 })).toBe(true)
  })

  test('does not take an interrupted initdb for a database', async () => {
    mkdirSync(join(dataDir, 'postgres.initialising'))
    writeFileSync(join(dataDir, 'postgres.initialising', 'PG_VERSION'), '18\n')
    expect(await query((await start()).databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('does not make a new password for data that has one', async () => {
    const first = await start()
    await first.stop()
    rmSync(join(dataDir, 'postgres-password'))
    await expect(start()).rejects.toMatchObject({ code: 'postgres_password_missing' })
  })
})

describe.runIf(process.getuid?.() === 0 && (statSync(homedir()).mode & 0o007) === 0)(
  'as root, below a directory that is shut to others',
  () => {
    test('data is staged elsewhere, which it says, and found again', async () => {
      const shut = mkdtempSync(join(homedir(), '.batchwright-test-'))
      const notices: string[] = []
      try {
        const first = await start({ dataDir: shut, notice: (line) => notices.push(line) })
        const staged = dirname(first.directory)
        expect(staged).toMatch(/^\/var\/lib\/batchwright\//)
        expect(notices.filter((line) => line.includes(staged) && line.includes(shut))).toHaveLength(1)
        expect(readFileSync(join(shut, 'postgres-location'), 'utf8').trim()).toBe(staged)
        await query(first.databaseUrl, 'create table kept as select 42 as answer')
        await first.stop()

        const second = await start({ dataDir: shut })
        expect(await query(second.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
        await second.stop()
        removePostgresCluster(shut)
        expect(existsSync(staged)).toBe(false)
      } finally {
        rmSync(shut, { recursive: true, force: true })
      }
    })
  },
)
