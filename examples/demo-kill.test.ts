import { expect, test } from 'vitest'
import { Batchwright, type Job } from '../client/batchwright.ts'
import { answerJson, exampleJob, finishedJob, startScriptedServer } from '../client/testing/scripted-server.ts'
import { afterwards } from '../test/services.ts'
import { watchAndKillWorker, type KillableWorker } from './demo-kill.ts'

const providers = ['openai', 'anthropic', 'gemini'] as const
type Provider = (typeof providers)[number]

const at = (done: number): Job => exampleJob({ progress: { done, failed: 0, total: 100 } })

/**
 * Jobs that are seen like this, one state after the other; the last one stays. A job that nothing is said of stays where it begins until the worker is
 * there again. `worker`: what happens to it.
 */
async function watch(seen: Partial<Record<Provider, readonly Job[]>>, change: Partial<KillableWorker> = {}) {
  const happened: string[] = []
  const left = new Map(providers.map((provider) => [`id-${provider}`, [...(seen[provider] ?? [])]]))
  const server = await startScriptedServer((request, response) => {
    const [, , , id = '', stream] = (request.url ?? '').split('/')
    if (stream === 'stream') return void response.writeHead(204).end()
    const states = left.get(id) ?? []
    const now = states.length > 1 ? states.shift() : states[0]
    const unsaid = happened.includes('restart') ? finishedJob() : at(0)
    answerJson(response, { ...(now ?? unsaid), id, provider: id.slice(3) })
  })
  afterwards(() => server.close())
  const notes: string[] = []
  const interruption = new AbortController()
  const watching = watchAndKillWorker({
    client: new Batchwright({ url: server.url }),
    jobs: providers.map((provider) => ({ ...at(0), id: `id-${provider}`, provider })),
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

test('the worker is killed once, at a share of all items, and what is said is how far each job really was', async () => {
  const { watching, notes, happened } = await watch({
    openai: [at(10), at(61), at(70), finishedJob()],
    gemini: [at(60), at(60), at(62), finishedJob()],
  })
  const { jobs, workersKilled } = await watching
  expect(jobs.map(({ id, status }) => [id, status])).toEqual(providers.map((provider) => [`id-${provider}`, 'completed']))
  expect(workersKilled).toBe(1)
  expect(happened).toEqual(['kill', 'restart'])
  expect(notes[0]).toMatch(/^kill -9 of the worker \(pid 4711\) at 4\d % \(openai \d+ %, anthropic 0 %, gemini 6\d %\)\./)
})

test.for([
  ['completed', 'openai', finishedJob(), 'the openai job was completed at 100 %, before the worker could be killed'],
  [
    'paused for a person',
    'anthropic',
    { ...at(12), status: 'paused', pause: { reason: 'auth', detail: 'Wrong key' } } satisfies Job,
    'the anthropic job was paused (auth: Wrong key) at 12 %, before the worker could be killed',
  ],
  ['failed beyond 40 %', 'gemini', { ...at(60), status: 'failed' } satisfies Job, 'the gemini job was failed at 60 %, before'],
] as const)(
  'a job that is %s before there was a kill is a failure, not a wait without end',
  async ([, provider, end, message]) => {
    const { watching, happened } = await watch({ [provider]: [at(10), end] })
    await expect(watching).rejects.toThrow(message)
    expect(happened).toEqual([])
  },
)

test('jobs that go on for ever without reaching the share end only with an interruption', async () => {
  const { watching, happened, interruption } = await watch({ openai: [at(10)], anthropic: [at(39)], gemini: [at(60)] })
  interruption.abort(new Error('interrupted'))
  await expect(watching).rejects.toThrow('interrupted')
  expect(happened).toEqual([])
})

test('a job that ends while the worker is being killed had no worker killed', async () => {
  const half = [at(50)]
  const { watching, happened } = await watch({ openai: half, gemini: half, anthropic: [at(50), finishedJob()] })
  await expect(watching).rejects.toThrow('the anthropic job was completed at 100 %, before the worker was dead')
  expect(happened).toEqual(['kill'])
})

test.for([
  ['there is none to kill', { pid: () => undefined }, 'there was no worker to kill'],
  ['no new one comes up', { restart: () => Promise.reject(new Error('no memory')) }, 'no memory'],
] as const)('%s: the wait ends, although the jobs would go on', async ([, change, message]) => {
  const half = [at(50)]
  const { watching } = await watch({ openai: half, anthropic: half, gemini: half }, change)
  await expect(watching).rejects.toThrow(message)
})
