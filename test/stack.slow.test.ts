import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createCliRunner, neutralItems, type CliRunner, type StartedCli } from '../cli/testing/cli-process.ts'
import type { Batch, Job, Result } from '../client/batchwright.ts'
import { prepareDataDirectory } from '../local/fixtures/own-ports.ts'
import { findFreePort } from '../local/free-port.ts'
import { removePostgresCluster } from '../local/postgres-cluster.ts'
import { isRunning } from '../local/process-identity.ts'
import { killRecordedProcesses, runningProcesses } from '../local/process-record.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { answerTo } from './job-checks.ts'
import { until } from './services.ts'

// The product as people run it: `up` and the commands as processes, nothing of it in this one.

let parent: string
let dataDir: string
let record: string
let port: number
let cli: CliRunner
let ups: StartedCli[]

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'batchwright-real-'))
  dataDir = join(parent, 'data')
  record = join(dataDir, 'processes.json')
  await prepareDataDirectory(dataDir)
  port = await findFreePort()
  cli = createCliRunner({ BATCHWRIGHT_URL: `http://127.0.0.1:${port}` })
  ups = []
})

afterEach(() => {
  for (const { child } of ups) child.kill('SIGKILL')
  killRecordedProcesses(record)
  if (existsSync(dataDir)) removePostgresCluster(dataDir)
  rmSync(parent, { recursive: true, force: true })
  cli.remove()
})

async function startUp(): Promise<StartedCli> {
  const up = cli.start(['up', '--data', dataDir, '--port', String(port), '--simulate'], null)
  ups.push(up)
  const running = until('up to run', () => up.stderr().includes('stop             Ctrl-C'), 150_000)
  await Promise.race([running, up.ended])
  expect(up.stderr()).toContain(`API and docs     http://127.0.0.1:${port}`)
  return up
}

function simulator() {
  const ports = JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')) as { simulator: number }
  return simulatorControl(`http://127.0.0.1:${ports.simulator}`)
}

test('kill -9 of everything in the middle of a job: `up` again, and each item has its one answer', async () => {
  const prompt = (n: number): string => `Everything dies: what is ${n} + 1?`
  const first = await startUp()
  await simulator().setOptions({ duration_ms: '8s' })
  const items = cli.writeLines('items.jsonl', neutralItems(200, prompt))
  const submitted = await cli.run('submit', items, '-m', 'openai/gpt-4o-mini', '--max-batch-requests', '50')
  expect(submitted.code, submitted.stderr).toBe(0)
  const id = submitted.stdout.trim()
  const job = async (): Promise<Job> => JSON.parse((await cli.run('status', id, '--json')).stdout) as Job
  const before = await until(
    'progress',
    async () => {
      const current = await job()
      return current.progress.done > 0 && current
    },
    60_000,
  )
  expect(before.status).toBe('in_progress')

  // And a draft whose second part is on its way, some of it stored.
  const part = cli.writeLines('part-1.jsonl', neutralItems(3, prompt))
  const draftId = (await cli.run('submit', part, '-m', 'openai/gpt-4o-mini', '--draft')).stdout.trim()
  const appending = cli.start(['append', draftId, '-'], null)
  const lines = Array.from({ length: 12_000 }, (_, index) => `${JSON.stringify({ custom_id: `lost-${index}`, prompt: 'x' })}\n`)
  await new Promise<void>((resolve) => appending.child.stdin.write(lines.join(''), () => resolve()))

  const processes = runningProcesses(record)
  expect(processes.map(({ name }) => name).toSorted()).toEqual(['api', 'postgres', 'simulator', 'temporal', 'worker'])
  first.child.kill('SIGKILL')
  killRecordedProcesses(record)
  await first.ended
  await until('all of it to be dead', () => !processes.some(isRunning))
  appending.child.kill('SIGKILL')

  const second = await startUp()
  const waited = await cli.run('wait', id, '--timeout', '100s')
  expect(waited.code, waited.stderr).toBe(0)
  expect(await job()).toMatchObject({ status: 'completed', counts: { total: 200, succeeded: 200 } })
  const results = await cli.run('results', id)
  expect(results.code, results.stderr).toBe(0)
  const answers = results.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Result)
  expect(answers.map(({ custom_id: customId, text }) => [customId, text])).toEqual(
    Array.from({ length: 200 }, (_, index) => [`item-${index + 1}`, answerTo(prompt(index + 1))]),
  )

  expect(JSON.parse((await cli.run('status', draftId, '--json')).stdout)).toMatchObject({
    counts: { total: 3 },
    draft: { next_part: 2 },
  })
  const again = cli.writeLines('part-2.jsonl', [{ custom_id: 'lost-0', prompt: prompt(4) }])
  expect((await cli.run('append', draftId, again, '--part', '2')).code).toBe(0)
  expect(JSON.parse((await cli.run('start', draftId, '--parts', '2', '--json')).stdout)).toMatchObject({ counts: { total: 4 } })
  await cli.run('wait', draftId, '--timeout', '100s')
  const parts = (await cli.run('results', draftId)).stdout.trimEnd().split('\n')
  expect(parts.map((line) => (JSON.parse(line) as Result).text)).toEqual([1, 2, 3, 4].map((n) => answerTo(prompt(n))))

  // What the provider says that it created: each batch once, and each of them is known to be this job's.
  const batches = JSON.parse((await cli.run('batches', id, '--json')).stdout) as Batch[]
  const owned = batches.flatMap(({ submissions }) => submissions.flatMap(({ provider_batch_id: ownedId }) => ownedId ?? []))
  const draftBatches = JSON.parse((await cli.run('batches', draftId, '--json')).stdout) as Batch[]
  const books = await simulator().books()
  const others = draftBatches.flatMap(({ provider_batch_id: draftBatch }) => draftBatch ?? [])
  expect(books.batches.map((batch) => batch.id).toSorted()).toEqual([...owned, ...others].toSorted())
  expect([owned.length, others.length]).toEqual([4, 1])
  const billed = await Array.fromAsync(simulator().requests())
  // The draft asks four of the same prompts.
  expect(billed).toHaveLength(204)
  expect(new Set(billed.map(({ fingerprint }) => fingerprint)).size).toBe(200)

  const last = runningProcesses(record)
  second.child.kill('SIGINT')
  expect((await second.ended).code).toBe(0)
  expect(last).toHaveLength(5)
  expect(last.filter(isRunning)).toEqual([])
})
