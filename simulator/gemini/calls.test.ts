import { GoogleGenAI } from '@google/genai'
import { describe, expect, it } from 'vitest'
import { requestLines, simulatedGeminis, testModel } from '../testing/simulated-gemini.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)
const src = [{ contents: 'Hi' }]

interface ErrorBody {
  readonly error: {
    readonly code: number
    readonly message: string
    readonly status: string
    readonly details?: { readonly reason?: string }[]
  }
}

const errorOf = (created: Promise<unknown>): Promise<ErrorBody> =>
  created.then(
    () => {
      throw new Error('it was answered')
    },
    (error: unknown) => JSON.parse(error instanceof Error ? error.message : '') as ErrorBody,
  )

describe('a key', () => {
  it('comes as a header or in the address; a wrong one is a 400, none a 403', async () => {
    await using gemini = await simulatedGemini()
    await gemini.client.batches.create({ model: testModel, src })
    const listed = async (query: string, headers: Record<string, string> = {}): Promise<unknown> => {
      const response = await fetch(`${gemini.simulator.baseUrls.gemini}/v1beta/batches${query}`, { headers })
      const body = (await response.json()) as { operations?: unknown[] } & Partial<ErrorBody>
      return response.ok
        ? (body.operations?.length ?? 0)
        : [response.status, body.error?.status, body.error?.details?.[0]?.reason]
    }
    expect(await listed('', { 'x-goog-api-key': 'sk-test' })).toBe(1)
    expect(await listed('?key=sk-test')).toBe(1)
    expect(await listed('?key=sk-other')).toBe(0)
    expect(await listed('')).toEqual([403, 'PERMISSION_DENIED', undefined])
    expect(await listed('?key=bad-key')).toEqual([400, 'INVALID_ARGUMENT', 'API_KEY_INVALID'])
    expect(await listed('?key=bad-leaked-key')).toEqual([403, 'PERMISSION_DENIED', undefined])
  })

  it('that is wrong is told by the SDK in the words of the API', async () => {
    await using gemini = await simulatedGemini()
    const { error } = await errorOf(gemini.clientOf('bad-key').batches.create({ model: testModel, src }))
    expect(error).toMatchObject({ code: 400, message: 'API key not valid. Please pass a valid API key.' })
  })
})

describe('HTTP faults', () => {
  it('accept_then_drop: the create fails, but the batch is there, to be known by its display name', async () => {
    await using gemini = await simulatedGemini({ faults: ['batches.create:accept_then_drop'] })
    await expect(gemini.create(requestLines(2), 'mine')).rejects.toThrow('fetch failed')
    const [batch] = (await gemini.client.batches.list()).page
    expect(batch?.displayName).toBe('mine')
    expect((await gemini.wait(batch?.name)).metadata.state).toBe('BATCH_STATE_SUCCEEDED')
    expect((await gemini.control.books()).create_calls.at(-1)).toMatchObject({
      provider: 'gemini',
      route: 'batches.create',
      object_id: batch?.name,
      input_file_id: expect.stringMatching(/^files\//),
      applied: true,
      answered: false,
      status: null,
      fault: 'accept_then_drop',
    })
  })

  it('refuse: nothing was made, and the SDK does not ask again', async () => {
    await using gemini = await simulatedGemini({ faults: ['gemini/batches.create:refuse'] })
    await expect(gemini.client.batches.create({ model: testModel, src })).rejects.toThrow('fetch failed')
    expect((await gemini.client.batches.list()).page).toEqual([])
    expect((await gemini.control.books()).calls['gemini/batches.create']).toBe(1)
  })

  it('hold: carried out, not answered until it is released', async () => {
    await using gemini = await simulatedGemini({ faults: ['batches.create:hold'] })
    const held = gemini.client.batches.create({ model: testModel, src })
    await expect.poll(async () => (await gemini.client.batches.list()).page.length).toBe(1)
    await expect.poll(() => gemini.control.release('batches.create')).toBe(1)
    expect((await held).name).toMatch(/^batches\//)
  })

  it.each([
    [400, 'INVALID_ARGUMENT'],
    [403, 'PERMISSION_DENIED'],
    [404, 'NOT_FOUND'],
    [409, 'ABORTED'],
    [429, 'RESOURCE_EXHAUSTED'],
    [500, 'INTERNAL'],
    [503, 'UNAVAILABLE'],
    [504, 'DEADLINE_EXCEEDED'],
  ])('status: %d as %s, nothing done', async (status, name) => {
    await using gemini = await simulatedGemini({ faults: [`batches.create:status:status=${status}`] })
    const { error } = await errorOf(gemini.client.batches.create({ model: testModel, src }))
    expect(error).toMatchObject({ code: status, status: name })
    expect((await gemini.client.batches.list()).page).toEqual([])
  })

  it('status 429 with retry_after says so in its details, and in no header', async () => {
    await using gemini = await simulatedGemini({ faults: ['batches.retrieve:status:status=429,retry_after=7,times=2'] })
    const { error } = await errorOf(gemini.client.batches.get({ name: 'batches/x' }))
    expect(error.details).toContainEqual({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' })
    expect((await gemini.call('/v1beta/batches/x')).headers.get('retry-after')).toBeNull()
  })

  it('of an upload: the file is made although the answer is lost', async () => {
    await using gemini = await simulatedGemini({ faults: ['files.create:accept_then_drop'] })
    await expect(gemini.upload(requestLines(1), 'mine')).rejects.toThrow('fetch failed')
    expect((await gemini.client.files.list()).page.map(({ displayName }) => displayName)).toEqual(['mine'])
  })

  it('truncate: results that break off', async () => {
    await using gemini = await simulatedGemini({ faults: ['files.content:truncate:after_bytes=100'] })
    const operation = await gemini.run(requestLines(5))
    await expect(gemini.results(operation)).rejects.toThrow('terminated')
    expect(await gemini.results(operation)).toHaveLength(5)
  })

  it('of realtime calls have names of their own', async () => {
    await using gemini = await simulatedGemini({ faults: ['generate_content:status:status=503'] })
    const ask = (): Promise<unknown> => gemini.client.models.generateContent({ model: testModel, contents: 'x' })
    await expect(ask()).rejects.toMatchObject({ status: 503 })
    await expect(ask()).resolves.toBeDefined()
  })
})

describe('an address that is not there', () => {
  it.each(['/v1beta/nothing', '/v1beta/models/x:fly', '/v1beta/batches/:cancel', '/v2/batches'])('%s: a 404', async (path) => {
    await using gemini = await simulatedGemini()
    const response = await gemini.call(path, { method: 'POST', body: '{}' })
    expect([response.status, ((await response.json()) as ErrorBody).error.status]).toEqual([404, 'NOT_FOUND'])
  })

  it.each(['v1', 'v1beta', 'v1alpha'])('%s is', async (version) => {
    await using gemini = await simulatedGemini()
    expect((await gemini.call(`/${version}/batches`)).status).toBe(200)
  })
})
