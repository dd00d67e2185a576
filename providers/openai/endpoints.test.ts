import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatItemId, parseItemId } from '../../core/item-id.ts'
import type { JsonObject } from '../../core/json.ts'
import type { CanonicalAnswer } from '../../formats/canonical-answer.ts'
import type { ItemRequest } from '../../formats/canonical-request.ts'
import { noDefaults } from '../../formats/rendering.ts'
import { loadCatalog } from '../../models/catalog.ts'
import { answerFor, startSimulator, type Simulator } from '../../simulator/simulator.ts'
import { until } from '../../test/services.ts'
import { isTerminalAtProvider, type Provider, type ProviderBatch } from '../provider.ts'
import { createOpenAiProvider } from './provider.ts'

// What differs from endpoint to endpoint: bodies and answers. All else that a provider must do is in `../conformance.ts`.

const signal = AbortSignal.timeout(10 * 60_000)
const generate = (text: string): ItemRequest => ({ kind: 'generate', messages: [{ role: 'user', content: text }] })
const embed = (input: string): ItemRequest => ({ kind: 'embed', input })

let simulator: Simulator
let provider: Provider
let directory: string

beforeAll(async () => {
  simulator = await startSimulator({ duration_ms: 50 })
  directory = await mkdtemp(join(tmpdir(), 'batchwright-endpoints-'))
  provider = createOpenAiProvider(
    { name: 'openai', kind: 'openai', apiKey: 'sk-endpoints', baseUrl: simulator.baseUrls.openai, simulated: true },
    loadCatalog(),
  )
})

afterAll(async () => {
  await simulator.close()
  await rm(directory, { recursive: true, force: true })
})

describe.each([
  { endpoint: '/v1/chat/completions', model: 'gpt-4o-mini', request: generate },
  { endpoint: '/v1/responses', model: 'gpt-4o-mini', request: generate },
  { endpoint: '/v1/embeddings', model: 'text-embedding-3-small', request: embed },
] as const)('$endpoint', ({ endpoint, model, request }) => {
  const render = (text: string) => provider.render(request(text), { ...noDefaults, model, endpoint })

  /** A batch of these texts to its end; the answers by their place in it. */
  async function run(
    token: string,
    texts: readonly string[],
  ): Promise<{ batch: ProviderBatch; answers: Map<number, CanonicalAnswer> }> {
    const path = join(directory, `${endpoint.replaceAll('/', '-')}-${token}.jsonl`)
    const lines = texts.map((text, index) => provider.line(formatItemId(token, index + 1), render(text)))
    await writeFile(path, lines.map((line) => `${line}\n`).join(''))
    const source = { ...(await provider.upload({ fileName: token, path, endpoint, signal })), path }
    const { id } = await provider.create({ ...source, endpoint, model, displayName: 'job-1 batch 1', signal, beforeSend() {} })
    const batch = await until('the batch to end', async () => {
      const current = await provider.retrieve(id, signal)
      return isTerminalAtProvider(current.status) && current
    })
    const answers = new Map<number, CanonicalAnswer>()
    for await (const { itemId, answer } of provider.results(batch, signal))
      answers.set(parseItemId(itemId ?? '', token) ?? 0, answer)
    return { batch, answers }
  }

  test('every line comes back under its own id with the answer to its own text, and what it used', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `What is ${index} + 1?`)
    const { batch, answers } = await run('a'.repeat(16), texts)
    expect(batch.status).toBe('completed')
    expect([...answers.keys()].toSorted((one, other) => one - other)).toEqual(texts.map((_, index) => index + 1))
    for (const [place, { error, content, usage }] of answers) {
      expect(error).toBeNull()
      expect({ text: content?.text, embedding: content?.embedding }).toEqual(expected(render(texts[place - 1] as string)))
      expect(usage.input).toBeGreaterThan(0)
      // An embedding has no tokens of its own.
      expect(usage.output > 0).toBe(endpoint !== '/v1/embeddings')
    }
  })

  test('items that fail come back with their class beside those that succeed', async () => {
    const failing = ['transient', 'rate_limited', 'invalid_request', 'status_zero']
    if (endpoint !== '/v1/embeddings') failing.push('truncated', 'refusal', 'content_filter')
    const { batch, answers } = await run('b'.repeat(16), ['Fine.', ...failing.map((kind) => `Not fine. [[simulate:${kind}]]`)])
    expect(batch.status).toBe('completed')
    const classes = failing.map((_, index) => answers.get(index + 2)?.error?.class)
    expect([answers.get(1)?.error, ...classes]).toEqual([
      null,
      ...failing.map((kind) => (kind === 'status_zero' ? 'transient' : kind)),
    ])
  })

  test('a realtime call gives the same answer as a batch', async () => {
    const fine = await provider.complete(render('Say yes.'), signal)
    expect(fine.error).toBeNull()
    expect({ text: fine.content?.text, embedding: fine.content?.embedding }).toEqual(expected(render('Say yes.')))
    const wrong = await provider.complete(render('[[simulate:invalid_request]]'), signal)
    expect(wrong).toMatchObject({ content: null, error: { class: 'invalid_request', httpStatus: 400 } })
  })

  /** What the simulator says to a body, taken apart here by hand. */
  function expected({ body }: { body: JsonObject }): { text: string | null; embedding: number[] | null } {
    const answer = answerFor(endpoint, body)
    if ('choices' in answer) return { text: answer.choices[0]?.message.content ?? '', embedding: null }
    if ('output' in answer) {
      const parts = answer.output.flatMap((item) => (item.type === 'message' ? item.content : []))
      return { text: parts.map((part) => (part.type === 'output_text' ? part.text : '')).join(''), embedding: null }
    }
    return { text: null, embedding: answer.data[0]?.embedding as number[] }
  }
})
