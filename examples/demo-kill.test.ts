import { expect, test } from 'vitest'
import { Batchwright, type Job } from '../client/batchwright.ts'
import { answerJson, exampleJob, finishedJob, startScriptedServer } from '../client/testing/scripted-server.ts'
import { afterwards } from '../test/services.ts'
import { watchAndKillWorker, type KillableWorker } from './demo-kill.ts'

const at = (done: number): Job => exampleJob({ progress: { done, failed: 0, total: 100 } })

/** A job that is seen like this, one after the other; the last one stays. `worker`: what happens to it. */
async function watch(seen: readonly Job[], change: Partial<KillableWorker> = {}) {
  const left = [...seen]
  const server = await startScriptedServer((request, response) => {
    if (request.url?.endsWith('/stream') === true) response.writeHead(204).end()
    else answerJson(response, left.length > 1 ? left.shift() : left[0])
  })
  afterwards(() => server.close())
  const notes: string[] = []
  const happened: string[] = []
  const interruption = new AbortController()
  const watching = watchAndKillWorker({
    client: new Batchwright({ url: server.url }),
    jobId: exampleJob().id,
    worker: {
      pid: () => 4711,
      kill: async () => void happened.push('kill'),
      restart: async () => void happened.push('restart'),
      ...change,
    },
    killAt: 0.4,
    display: { show() {}, note: (line) => void notes.push(line) },
    signal: interruption.signal,
  })
  return { watching, notes, happened, interruption }
}

test('the worker is killed once, and what is said is how far the job really was', async () => {
  const { watching, notes, happened } = await watch([at(10), at(41), at(43), at(43), finishedJob()])
  expect(await watching).toMatchObject({ job: { status: 'completed' }, workersKilled: 1 })
  expect(happened).toEqual(['kill', 'restart'])
  expect(notes[0]).toMatch(/^kill -9 of the worker \(pid 4711\) at 43 %\./)
})

test.for([
  ['completed', finishedJob(), 'the job was completed at 100 %, before the worker could be killed'],
  [
    'paused for a person',
    { ...at(12), status: 'paused', pause: { reason: 'auth', detail: 'Wrong key' } } satisfies Job,
    'the job was paused (auth: Wrong key) at 12 %, before the worker could be killed',
  ],
  ['failed beyond 40 %', { ...at(60), status: 'failed' } satisfies Job, 'the job was failed at 60 %, before'],
] as const)('a job that is %s before there was a kill is a failure, not a wait without end', async ([, end, message]) => {
  const { watching, happened } = await watch([at(10), end])
  await expect(watching).rejects.toThrow(message)
  expect(happened).toEqual([])
})

test('a job that ends while the worker is being killed had no worker killed', async () => {
  const { watching, happened } = await watch([at(10), at(41), finishedJob()])
  await expect(watching).rejects.toThrow('the job was completed at 100 %, before the worker was dead')
  expect(happened).toEqual(['kill'])
})

test.for([
  ['there is none to kill', { pid: () => undefined }, 'there was no worker to kill'],
  ['no new one comes up', { restart: () => Promise.reject(new Error('no memory')) }, 'no memory'],
] as const)('%s: the wait ends, although the job would go on', async ([, change, message]) => {
  const { watching } = await watch([at(10), at(41)], change)
  await expect(watching).rejects.toThrow(message)
})

test('an interruption ends it', async () => {
  const { watching, interruption } = await watch([at(10)])
  interruption.abort(new Error('interrupted'))
  await expect(watching).rejects.toThrow('interrupted')
})
