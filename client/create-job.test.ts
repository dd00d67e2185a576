import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { Batchwright } from './batchwright.ts'
import { answerJson, exampleJob, readBody, startScriptedServer, type Handler } from './testing/scripted-server.ts'

const cleanUps: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function serve(handler: Handler) {
  const server = await startScriptedServer(handler)
  cleanUps.push(server.close)
  return { server, jobs: new Batchwright({ url: server.url, apiKey: 'secret' }).jobs }
}

function temporaryFile(name: string, content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'client-'))
  cleanUps.push(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, name), content)
  return join(directory, name)
}

const accept: Handler = async (request, response, seen) => {
  await readBody(request, seen)
  answerJson(response, exampleJob(), 201)
}

/** Answers after `tries` uploads that are cut off in the middle. */
function cutOff(tries: number): Handler {
  let left = tries
  return async (request, response, seen) => {
    if (left-- > 0) {
      request.once('data', () => request.socket.resetAndDestroy())
      return
    }
    await accept(request, response, seen)
  }
}

test('the spec goes before the items, each item on a line of its own', async () => {
  const { server, jobs } = await serve(accept)
  const job = await jobs.create({ provider: 'openai', name: 'näme', items: [{ prompt: 'a' }, { prompt: 'b' }] })
  expect(job.id).toBe('k7m2x9qd4hta')
  const [seen] = server.requests
  expect(seen).toMatchObject({ method: 'POST', path: '/v1/jobs', headers: { authorization: 'Bearer secret' } })
  const form = await new Response(seen?.body, { headers: { 'content-type': seen?.headers['content-type'] ?? '' } }).formData()
  expect([...form.keys()]).toEqual(['job', 'file'])
  expect(JSON.parse(form.get('job') as string)).toEqual({ provider: 'openai', name: 'näme' })
  expect(await (form.get('file') as File).text()).toBe('{"prompt":"a"}\n{"prompt":"b"}\n')
})

test('a file is sent as it is, CSV by its name', async () => {
  const { server, jobs } = await serve(accept)
  await jobs.create({ items: temporaryFile('a "b".csv', 'text\nhello\n'), prompt: '{{text}}' })
  expect(server.requests[0]?.body).toContain('filename="a %22b%22.csv"\r\ncontent-type: text/csv\r\n\r\ntext\nhello\n\r\n--')
})

test.for(['array', 'file'] as const)(
  'a broken upload of a repeatable source (%s) is repeated with the same key',
  async (kind) => {
    const { server, jobs } = await serve(cutOff(2))
    const items = kind === 'array' ? [{ prompt: 'a' }] : temporaryFile('items.jsonl', '{"prompt":"a"}\n')
    await jobs.create({ items })
    const keys = server.requests.map((request) => request.headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(server.requests[2]?.body).toContain('{"prompt":"a"}')
  },
)

test('an API that is restarted during an upload gets it again, with the same key', async () => {
  const first = await startScriptedServer(cutOff(1))
  const { port } = new URL(first.url)
  const send = vi.spyOn(globalThis, 'fetch')
  cleanUps.push(() => send.mockRestore())
  const creating = new Batchwright({ url: first.url }).jobs.create({ items: [{ prompt: 'a' }] })
  await vi.waitFor(() => expect(first.requests).toHaveLength(1))
  await first.close()
  // The try after it is refused: nothing listens there.
  await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(2), { timeout: 5000 })
  await expect(send.mock.results[1]?.value).rejects.toThrow('fetch failed')
  const second = await startScriptedServer(accept, Number(port))
  cleanUps.push(second.close)
  await creating
  expect(second.requests[0]?.headers['idempotency-key']).toBe(first.requests[0]?.headers['idempotency-key'])
})

test('every call has a key of its own, unless it is given one', async () => {
  const { server, jobs } = await serve(accept)
  await jobs.create({ items: [{ prompt: 'a' }] })
  await jobs.create({ items: [{ prompt: 'a' }] })
  await jobs.create({ items: [{ prompt: 'a' }] }, { idempotencyKey: 'mine' })
  const keys = server.requests.map((request) => request.headers['idempotency-key'])
  expect(new Set(keys).size).toBe(3)
  expect(keys[2]).toBe('mine')
})

test('a server that has not noticed the broken connection yet is asked again', async () => {
  let calls = 0
  const { server, jobs } = await serve(async (request, response, seen) => {
    await readBody(request, seen)
    if (++calls === 1) answerJson(response, { code: 'upload_in_progress', detail: 'still uploading', title: 'Conflict' }, 409)
    else answerJson(response, exampleJob(), 201)
  })
  await jobs.create({ items: [{ prompt: 'a' }] })
  expect(server.requests).toHaveLength(2)
})

test('an upload that can be read only once is not repeated', async () => {
  const { server, jobs } = await serve(cutOff(1))
  function* items() {
    yield { prompt: 'a' }
  }
  await expect(jobs.create({ items: items() })).rejects.toMatchObject({ code: 'upload_broken' })
  expect(server.requests).toHaveLength(1)
})

test('items are taken from the iterable no faster than the server reads', async () => {
  const { jobs } = await serve(async (request, response, seen) => {
    await new Promise<void>((resolve) => {
      request.once('data', () => {
        request.pause()
        resolve()
      })
    })
    await stable(() => produced)
    producedWhilePaused = produced
    request.resume()
    await readBody(request, seen)
    answerJson(response, exampleJob(), 201)
  })
  let produced = 0
  let producedWhilePaused = 0
  const total = 5000
  const text = 'x'.repeat(10_000)
  async function* items() {
    for (; produced < total; produced++) yield { prompt: text }
  }
  await jobs.create({ items: items() })
  expect(produced).toBe(total)
  expect(producedWhilePaused).toBeLessThan(total / 2)
})

/** Until the value is the same for a while. */
async function stable(value: () => number): Promise<void> {
  for (let last = -1, same = 0; same < 5;) {
    same = value() === last ? same + 1 : 0
    last = value()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('what an iterable throws comes out as it is', async () => {
  const { jobs } = await serve(accept)
  async function* items() {
    yield { prompt: 'a' }
    throw new RangeError('no more rows')
  }
  await expect(jobs.create({ items: items() })).rejects.toThrow(new RangeError('no more rows'))
})

test.for([
  ['a missing file', join(tmpdir(), 'no-such-file.jsonl'), 'input_not_found'],
  ['a folder', tmpdir(), 'input_not_readable'],
  ['strings', ['hello'] as unknown as object[], 'invalid_items'],
] as const)('%s is refused before anything is created', async ([, items, code]) => {
  const { jobs } = await serve(accept)
  await expect(jobs.create({ items })).rejects.toMatchObject({ code })
})

test('what is wrong with the input comes with its lines', async () => {
  const errors = [{ line: 7, field: 'messages', reason: 'expected an array' }]
  const { jobs } = await serve(async (request, response, seen) => {
    await readBody(request, seen)
    answerJson(
      response,
      {
        type: 'about:blank',
        title: 'Invalid input',
        status: 422,
        code: 'invalid_input',
        detail: '1 line is wrong',
        errors,
        error_count: 1,
      },
      422,
    )
  })
  await expect(jobs.create({ items: [{}] })).rejects.toMatchObject({
    code: 'invalid_input',
    message: '1 line is wrong',
    details: { status: 422, errors, error_count: 1 },
  })
})

test.for([false, true])(
  'a refusal in the middle of an upload comes through (connection cut afterwards: %s)',
  async (cutsConnection) => {
    const { server, jobs } = await serve((request, response) => {
      request.once('data', () => {
        response.writeHead(413, { 'content-type': 'application/problem+json', connection: 'close' })
        response.end(JSON.stringify({ code: 'input_too_large', detail: 'above max_input_bytes' }), () => {
          if (cutsConnection) setTimeout(() => request.socket.destroy(), 5)
          else request.resume()
        })
      })
    })
    async function* items() {
      for (let count = 0; count < 2000; count++) yield { prompt: 'x'.repeat(10_000) }
    }
    await expect(jobs.create({ items: items() })).rejects.toMatchObject({ code: 'input_too_large' })
    expect(server.requests).toHaveLength(1)
  },
)

test('progress of an upload reaches the size of the file', async () => {
  const { jobs } = await serve(accept)
  const content = '{"prompt":"a"}\n'.repeat(50_000)
  const seen: (readonly [number, number | null])[] = []
  await jobs.create(
    { items: temporaryFile('items.jsonl', content) },
    { onUploadProgress: (sent, total) => void seen.push([sent, total]) },
  )
  expect(seen.at(-1)).toEqual([content.length, content.length])
  expect(seen.length).toBeGreaterThan(1)
})

test('an API that is not there: one line that says what to do, at once', async () => {
  const server = await startScriptedServer(accept)
  await server.close()
  const { jobs } = new Batchwright({ url: `${server.url}/` })
  const message = `Batchwright is not reachable at ${server.url}: start it with \`batchwright up\`, or set BATCHWRIGHT_URL`
  await expect(jobs.create({ items: [{ prompt: 'a' }] })).rejects.toMatchObject({ code: 'unreachable', message })
  await expect(jobs.get('k7m2x9qd4hta')).rejects.toMatchObject({ code: 'unreachable', message })
})

test('another program on the port is told apart', async () => {
  const { jobs } = await serve((_request, response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>')
  })
  await expect(jobs.get('k7m2x9qd4hta')).rejects.toMatchObject({ code: 'unexpected_response', details: { status: 404 } })
})

test('a URL that is none is refused', () => {
  expect(() => new Batchwright({ url: 'localhost:8787' })).toThrow(/BATCHWRIGHT_URL "localhost:8787" is not an address/)
})

test('with a limit no more is sent than it takes, but where the server leaves lines out', async () => {
  const { server, jobs } = await serve(accept)
  const items = temporaryFile('many.jsonl', '{"prompt":"a"}\n{"prompt":"b"}\n{"prompt":"c"}\n')
  await jobs.create({ provider: 'openai', limit: 2, items })
  await jobs.create({ provider: 'openai', limit: 2, skip_invalid: true, items })
  expect(server.requests.map(({ body }) => ['a', 'b', 'c'].filter((prompt) => body.includes(`"${prompt}"`)))).toEqual([
    ['a', 'b'],
    ['a', 'b', 'c'],
  ])
})
