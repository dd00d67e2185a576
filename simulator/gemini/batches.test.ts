import { GoogleGenAI } from '@google/genai'
import { describe, expect, it, vi } from 'vitest'
import type { SimulatorOptions } from '../options.ts'
import {
  generateRequest,
  requestLine,
  requestLines,
  responseText,
  simulatedGeminis,
  testModel,
  type SimulatedGemini,
} from '../testing/simulated-gemini.ts'
import { waitUntil } from '../testing/wait-until.ts'
import { geminiAnswerFor, geminiPromptFingerprint } from './answer.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)
const type = 'type.googleapis.com/google.ai.generativelanguage.v1main'

const finished = (gemini: SimulatedGemini, count: number): Promise<number> =>
  waitUntil(
    async () => (await gemini.control.books()).batches.at(-1)?.finished ?? 0,
    (done) => done === count,
  )

describe('a batch of a file', () => {
  it('ends with one line a request, each at the key of its prompt, in another order', async () => {
    await using gemini = await simulatedGemini()
    const operation = await gemini.run(requestLines(40))
    const id = operation.name.slice('batches/'.length)
    expect(id).toMatch(/^[0-9a-z]{36}$/)
    expect(operation).toMatchObject({
      metadata: {
        '@type': `${type}.GenerateContentBatch`,
        name: operation.name,
        model: `models/${testModel}`,
        displayName: 'test',
        state: 'BATCH_STATE_SUCCEEDED',
        batchStats: { requestCount: '40', successfulRequestCount: '40' },
        output: { responsesFile: `files/batch-${id}` },
      },
      done: true,
      response: { '@type': `${type}.GenerateContentBatchOutput`, responsesFile: `files/batch-${id}` },
    })
    const lines = await gemini.results(operation)
    const keys = Array.from({ length: 40 }, (_value, index) => `item-${index}`)
    expect(lines.map(({ key = '' }) => key).sort()).toEqual([...keys].sort())
    expect(lines.map(({ key }) => key)).not.toEqual(keys)
    for (const { key = '', response } of lines) {
      const request = generateRequest(`Question ${key.slice(5)}`)
      expect(responseText(response)).toContain(`[sim:${geminiPromptFingerprint(request)}]`)
      const { candidates, usageMetadata } = geminiAnswerFor(testModel, request)
      expect(response).toMatchObject({ candidates, usageMetadata, modelVersion: testModel })
    }
  })

  it('is what the SDK makes a batch job of, without its counts', async () => {
    await using gemini = await simulatedGemini()
    const { name = '' } = await gemini.create(requestLines(2))
    await gemini.wait(name)
    const job = await gemini.client.batches.get({ name })
    expect(job).toMatchObject({
      name,
      displayName: 'test',
      state: 'JOB_STATE_SUCCEEDED',
      model: `models/${testModel}`,
      dest: { fileName: `files/batch-${name.slice(8)}` },
    })
    expect(job.completionStats).toBeUndefined()
  })

  it('waits, runs and counts', async () => {
    await using gemini = await simulatedGemini({ validating_ms: '1h', curve: 'stalled', duration_ms: 20 })
    const created = await gemini.create(requestLines(10))
    expect(created.state).toBe('JOB_STATE_PENDING')
    const pending = await gemini.operation(created.name)
    expect(pending.metadata).toMatchObject({
      state: 'BATCH_STATE_PENDING',
      inputConfig: { fileName: expect.stringMatching(/^files\//) },
      batchStats: { requestCount: '10', pendingRequestCount: '10' },
    })
    expect([pending.done, pending.response, pending.error, pending.metadata.endTime]).toEqual(Array(4).fill(undefined))
    await gemini.control.setOptions({ validating_ms: 0 })
    const running = await gemini.wait(created.name, ({ metadata }) => metadata.batchStats?.successfulRequestCount === '6')
    expect(running.metadata).toMatchObject({
      state: 'BATCH_STATE_RUNNING',
      batchStats: { requestCount: '10', successfulRequestCount: '6', pendingRequestCount: '4' },
    })
    await gemini.control.setOptions({ curve: 'linear' })
    expect((await gemini.wait(created.name)).metadata.state).toBe('BATCH_STATE_SUCCEEDED')
  })

  it('has 48 hours unless told', async () => {
    await using gemini = await simulatedGemini({ curve: 'stalled', duration_ms: '1h' })
    const { name } = await gemini.create(requestLines(2))
    const stateAfter = async (elapsedMs: number): Promise<string> => {
      const now = vi.spyOn(Date, 'now').mockReturnValue(started + elapsedMs)
      // A change of options has every batch looked at again.
      await gemini.control.setOptions({})
      await gemini.control.books()
      now.mockRestore()
      return (await gemini.operation(name)).metadata.state
    }
    await gemini.wait(name, ({ metadata }) => metadata.state === 'BATCH_STATE_RUNNING')
    const started = Date.now()
    expect(await stateAfter(48 * 3_600_000 - 60_000)).toBe('BATCH_STATE_RUNNING')
    expect(await stateAfter(48 * 3_600_000)).toBe('BATCH_STATE_EXPIRED')
  })

  it('loses all that was done when its time is over', async () => {
    await using gemini = await simulatedGemini({ curve: 'stalled', duration_ms: 20, window_ms: 150 })
    const { name } = await gemini.create(requestLines(10))
    const operation = await gemini.wait(name)
    expect(operation.metadata).toMatchObject({
      state: 'BATCH_STATE_EXPIRED',
      batchStats: { requestCount: '10', successfulRequestCount: '6', pendingRequestCount: '4' },
    })
    expect(operation.response).toBeUndefined()
    expect(operation.metadata.output).toBeUndefined()
    expect((await gemini.call(`/download/v1beta/files/batch-${name?.slice(8)}:download?alt=media`)).status).toBe(403)
    expect((await gemini.control.books()).billed.batch.requests).toBe(0)
  })

  it('expires while it waits, too', async () => {
    await using gemini = await simulatedGemini({ validating_ms: '1h', window_ms: 100 })
    const { name } = await gemini.create(requestLines(1))
    expect((await gemini.wait(name)).metadata.state).toBe('BATCH_STATE_EXPIRED')
  })

  it('that is cancelled runs on for a while, and keeps nothing', async () => {
    await using gemini = await simulatedGemini({ curve: 'stalled', duration_ms: 20, cancelling_ms: '1h' })
    const { name = '' } = await gemini.create(requestLines(10))
    await finished(gemini, 6)
    await gemini.client.batches.cancel({ name })
    await gemini.client.batches.cancel({ name })
    expect((await gemini.operation(name)).metadata.state).toBe('BATCH_STATE_RUNNING')
    await gemini.control.setOptions({ cancelling_ms: 0 })
    const operation = await gemini.wait(name)
    expect(operation).toMatchObject({ metadata: { state: 'BATCH_STATE_CANCELLED' }, done: true, error: { code: 1 } })
    expect(operation.response).toBeUndefined()
    expect((await gemini.control.books()).billed.batch.requests).toBe(0)
    await gemini.client.batches.cancel({ name })
    expect((await gemini.operation(name)).metadata.state).toBe('BATCH_STATE_CANCELLED')
  })

  it('that is deleted stops, and is in no list any more', async () => {
    await using gemini = await simulatedGemini({ duration_ms: '1h', cancelling_ms: '1h' })
    const { name = '' } = await gemini.create(requestLines(2))
    await gemini.client.batches.delete({ name })
    await expect(gemini.client.batches.get({ name })).rejects.toMatchObject({ status: 404 })
    expect((await gemini.client.batches.list()).page).toEqual([])
    await expect.poll(async () => (await gemini.control.books()).batches.at(-1)?.status).toBe('BATCH_STATE_CANCELLED')
  })

  it('is listed newest first, page by page, by its own key only', async () => {
    await using gemini = await simulatedGemini()
    const names: (string | undefined)[] = []
    for (let number = 0; number < 5; number++) names.unshift((await gemini.create(requestLines(1))).name)
    const listed: (string | undefined)[] = []
    for await (const job of await gemini.client.batches.list({ config: { pageSize: 2 } })) listed.push(job.name)
    expect(listed).toEqual(names)
    const pages: [number, boolean][] = []
    let token: string | undefined = ''
    do {
      const response = await gemini.call(`/v1beta/batches?pageSize=2&pageToken=${token}`)
      const body = (await response.json()) as { operations: unknown[]; nextPageToken?: string }
      pages.push([body.operations.length, body.nextPageToken !== undefined])
      token = body.nextPageToken
    } while (token !== undefined)
    expect(pages).toEqual([
      [2, true],
      [2, true],
      [1, false],
    ])
    const other = gemini.clientOf('sk-other').batches
    expect((await other.list()).page).toEqual([])
    await expect(other.get({ name: names[0] ?? '' })).rejects.toMatchObject({ status: 404 })
    expect((await gemini.call('/v1beta/batches?pageToken=nonsense')).status).toBe(400)
  })

  it('takes the deletion of its input, and loses its results after six weeks', async () => {
    await using gemini = await simulatedGemini({ curve: 'stalled', duration_ms: 10 })
    const file = await gemini.upload(requestLines(5))
    const { name } = await gemini.client.batches.create({ model: testModel, src: file.name ?? '' })
    await finished(gemini, 3)
    await gemini.client.files.delete({ name: file.name ?? '' })
    await gemini.control.setOptions({ curve: 'linear' })
    const operation = await gemini.wait(name)
    const ended = Date.parse(operation.metadata.endTime ?? '')
    const now = vi.spyOn(Date, 'now').mockReturnValue(ended + 42 * 86_400_000 - 60_000)
    expect(await gemini.results(operation)).toHaveLength(5)
    now.mockReturnValue(ended + 42 * 86_400_000)
    const download = `/download/v1beta/${operation.response?.responsesFile}:download?alt=media`
    expect((await gemini.call(download)).status).toBe(403)
    now.mockRestore()
    expect((await gemini.call(download)).status).toBe(200)
    await gemini.control.setOptions({ results_lifetime_ms: 0 })
    expect((await gemini.call(download)).status).toBe(403)
  })
})

describe('keys', () => {
  it('need not be there, nor differ', async () => {
    await using gemini = await simulatedGemini()
    const lines = [
      requestLine('twice', 'One'),
      requestLine('twice', 'Two'),
      JSON.stringify({ request: generateRequest('Without') }),
      '',
    ]
    const answers = (await gemini.results(await gemini.run(lines))).map(
      ({ key, response }) => `${key}: ${/“(.*)”/.exec(responseText(response))?.[1]}`,
    )
    expect(answers.sort()).toEqual(['twice: One', 'twice: Two', 'undefined: Without'])
  })
})

describe('a batch that fails as a whole', () => {
  const cases: [string, string[], string, SimulatorOptions?][] = [
    ['a line that is not JSON', [requestLine('a', 'A'), '{"key":'], 'Failed to parse the input file: line 2'],
    ['a line without a request', ['{"key":"a","contents":[]}'], 'line 1: it has no request'],
    ['no lines', ['', ''], 'The input file has no requests.'],
    ['too many lines', requestLines(3), 'The limit is 2.', { max_requests: 2 }],
    [
      'a refused line',
      [requestLine('a', 'A'), requestLine('b', '[[simulate:refused_line]]')],
      'Line 2: this request was refused',
    ],
  ]
  it.each(cases)('says why in the error of its operation only: %s', async (_name, lines, message, options = {}) => {
    await using gemini = await simulatedGemini(options)
    const { name = '' } = await gemini.create(lines)
    const operation = await gemini.wait(name)
    expect(operation).toMatchObject({
      metadata: { state: 'BATCH_STATE_FAILED' },
      done: true,
      error: { code: 3, message: expect.stringContaining(message) },
    })
    const job = await gemini.client.batches.get({ name })
    expect([job.state, job.error, job.dest]).toEqual(['JOB_STATE_FAILED', undefined, undefined])
    expect((await gemini.control.books()).billed.batch.requests).toBe(0)
  })
})
