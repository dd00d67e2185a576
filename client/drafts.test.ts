import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { afterwards } from '../test/services.ts'
import { Batchwright } from './batchwright.ts'
import { answerJson, exampleJob, readBody, startScriptedServer, type Handler } from './testing/scripted-server.ts'

const answering: Handler = async (request, response, seen) => {
  await readBody(request, seen)
  const draft = seen.path.endsWith('/start') ? null : { next_part: 1 }
  answerJson(response, exampleJob({ status: 'validating', draft }))
}

test('an API that is restarted between two parts is waited for', async () => {
  const first = await startScriptedServer(answering)
  const port = Number(new URL(first.url).port)
  const { jobs } = new Batchwright({ url: first.url })
  const second = Promise.withResolvers<Awaited<ReturnType<typeof startScriptedServer>>>()
  // It is back once somebody was told that it is away.
  const reopen = (): void => {
    unsubscribe('undici:client:connectError', reopen)
    startScriptedServer(answering, port).then(second.resolve, second.reject)
  }
  async function* items() {
    yield { prompt: 'one' }
    await first.close()
    subscribe('undici:client:connectError', reopen)
    yield { prompt: 'two' }
  }
  const created = jobs.createInParts({ provider: 'openai', items: items() }, { itemsPerPart: 1 })
  afterwards(async () => (await second.promise).close())
  expect((await created).draft).toBeNull()
  expect((await second.promise).requests.map(({ path, body }) => [path, body])).toEqual([
    ['/v1/jobs/k7m2x9qd4hta/items?part=2', '{"prompt":"two"}\n'],
    ['/v1/jobs/k7m2x9qd4hta/start', '{"parts":2}'],
  ])
})

test('one that is not there at all is said at once', async () => {
  const server = await startScriptedServer(answering)
  await server.close()
  const creating = new Batchwright({ url: server.url }).jobs.createInParts({ provider: 'openai', items: [{ prompt: 'one' }] })
  await expect(creating).rejects.toMatchObject({ code: 'unreachable' })
})

test.each([0, -1, 1.5, NaN])('%s items in a part are refused before anything is created', async (itemsPerPart) => {
  const { jobs } = new Batchwright({ url: 'http://127.0.0.1:1' })
  const creating = jobs.createInParts({ provider: 'openai', items: [{ prompt: 'one' }] }, { itemsPerPart })
  await expect(creating).rejects.toMatchObject({ code: 'invalid_items' })
})
