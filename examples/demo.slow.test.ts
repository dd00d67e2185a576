import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { prepareDataDirectory } from '../local/fixtures/own-ports.ts'
import { isPortListening } from '../local/free-port.ts'
import { removePostgresCluster } from '../local/postgres-cluster.ts'
import { killRecordedProcesses, runningProcesses } from '../local/process-record.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { afterwards, until } from '../test/services.ts'

const demo = fileURLToPath(new URL('./demo.ts', import.meta.url))

let directory: string
let dataDir: string
let record: string

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-demo-'))
  dataDir = join(directory, 'data')
  await prepareDataDirectory(dataDir)
  record = join(dataDir, 'processes.json')
})

afterEach(() => {
  killRecordedProcesses(record)
  if (existsSync(dataDir)) removePostgresCluster(dataDir)
  rmSync(directory, { recursive: true, force: true })
})

/** `npm run demo` with data of its own. */
function startDemo(environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [demo, '--port', '0', '--data', dataDir], {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  afterwards(async () => void child.kill('SIGKILL'))
  return { child, stderr: () => stderr, ended: once(child, 'close').then(([code]) => ({ code: code as number, stdout, stderr })) }
}

/** Has Anthropic refuse the key in every create from now on; the simulator runs before there is a job. */
async function refuseKey(): Promise<void> {
  const port = await until(
    'the simulator',
    async () => {
      const file = join(dataDir, 'ports.json')
      const { simulator } = JSON.parse(readFileSync(file, 'utf8')) as { simulator?: number }
      return simulator !== undefined && (await isPortListening(simulator)) ? simulator : null
    },
    60_000,
  )
  await simulatorControl(`http://127.0.0.1:${port}`).addFault('anthropic/batches.create:status:status=401,times=always')
}

test("the demo succeeds, and uses nobody's database, Temporal, network address or configuration", async () => {
  writeFileSync(join(directory, 'batchwright.yaml'), 'this: is not for the demo\n')
  const { ended } = startDemo({
    DATABASE_URL: 'postgres://nobody:none@127.0.0.1:1/somebodys',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    TEMPORAL_NAMESPACE: 'somebodys',
    TEMPORAL_API_KEY: 'somebodys',
    BATCHWRIGHT_CONFIG: join(directory, 'batchwright.yaml'),
    HOST: '192.0.2.1',
  })
  const { code, stdout, stderr } = await ended
  expect(code, stderr).toBe(0)
  expect(stdout).toBe('600 items, 600 answers, 0 twice, 1 worker killed\n')
  const killedAt = Number(/kill -9 of the worker \(pid \d+\) at (\d+) %/.exec(stderr)?.[1])
  expect(killedAt).toBeGreaterThanOrEqual(40)
  expect(killedAt).toBeLessThan(100)
  for (const provider of ['openai', 'anthropic', 'gemini']) {
    const answers = readFileSync(join(dataDir, 'demo-output', `${provider}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
    expect(answers).toHaveLength(200)
    expect(answers.every((line) => line.includes(`"provider":"${provider}"`))).toBe(true)
  }
  expect(runningProcesses(record)).toEqual([])
})

test('a job that pauses before the kill fails the demo beside the others, which says why and stops its stack', async () => {
  const { ended } = startDemo()
  await refuseKey()
  const { code, stdout, stderr } = await ended
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/FAILED: the anthropic job was paused \(auth: .*\) at 0 %, before the worker could be killed\n$/)
  expect(runningProcesses(record)).toEqual([])
})

test('Ctrl-C, which npm sends twice, stops it all', async () => {
  const { child, stderr, ended } = startDemo()
  await until('the job', () => /^Job /m.test(stderr()), 120_000)
  expect(runningProcesses(record)).toHaveLength(5)
  child.kill('SIGINT')
  await until('the first to arrive', () => stderr().includes('Ctrl-C again kills at once'))
  child.kill('SIGINT')
  const { code, stderr: said } = await ended
  expect(code, said).toBe(1)
  expect(said).toMatch(/FAILED: interrupted\n$/)
  expect(runningProcesses(record)).toEqual([])
})
