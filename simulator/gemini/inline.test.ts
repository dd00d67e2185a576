import { GoogleGenAI } from '@google/genai'
import { describe, expect, it, vi } from 'vitest'
import { generateRequest, requestLines, responseText, simulatedGeminis, testModel } from '../testing/simulated-gemini.ts'
import { geminiEmbeddingFor, geminiPromptFingerprint } from './answer.ts'
import type { WireInlinedResponse, WireOperation } from './wire.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)
const embeddingModel = 'gemini-embedding-001'

const inlined = ({ response }: WireOperation): WireInlinedResponse[] =>
  (response?.inlinedResponses?.inlinedResponses ?? []) as WireInlinedResponse[]
const texts = (count: number): { contents: string; metadata: { key: string } }[] =>
  Array.from({ length: count }, (_value, index) => ({ contents: `Question ${index}`, metadata: { key: `item-${index}` } }))

describe('a batch of inline requests', () => {
  it('has its answers in itself, twice, each with the metadata of its request, in another order', async () => {
    await using gemini = await simulatedGemini()
    const { name = '' } = await gemini.client.batches.create({
      model: testModel,
      src: texts(30),
      config: { displayName: 'inline' },
    })
    const operation = await gemini.wait(name)
    expect(operation.metadata).toMatchObject({ displayName: 'inline', state: 'BATCH_STATE_SUCCEEDED' })
    expect(operation.metadata.inputConfig).toBeUndefined()
    expect(operation.metadata.output?.inlinedResponses).toEqual(operation.response?.inlinedResponses)
    const keys = inlined(operation).map(({ metadata }) => String(metadata?.['key']))
    expect([...keys].sort()).toEqual(
      texts(30)
        .map(({ metadata }) => metadata.key)
        .sort(),
    )
    expect(keys).not.toEqual(texts(30).map(({ metadata }) => metadata.key))
    const job = await gemini.client.batches.get({ name })
    expect(job.dest?.fileName).toBeUndefined()
    for (const { metadata, response } of job.dest?.inlinedResponses ?? []) {
      const request = generateRequest(`Question ${metadata?.['key']?.slice(5)}`)
      expect(response?.candidates?.[0]?.content?.parts?.[0]?.text).toContain(`[sim:${geminiPromptFingerprint(request)}]`)
    }
  })

  it('has errors among them', async () => {
    await using gemini = await simulatedGemini()
    const src = [{ contents: 'Hi [[simulate:transient]]', metadata: { key: 'a' } }, { contents: 'Hi' }]
    const operation = await gemini.wait((await gemini.client.batches.create({ model: testModel, src })).name)
    expect(operation.metadata.batchStats).toEqual({ requestCount: '2', successfulRequestCount: '1', failedRequestCount: '1' })
    const [failed, other] = inlined(operation).toSorted((one) => (one.error === undefined ? 1 : -1))
    expect(failed).toEqual({ metadata: { key: 'a' }, error: { code: 13, message: expect.stringContaining('internal error') } })
    expect(other).toEqual({ response: expect.objectContaining({ modelVersion: testModel }) })
  })

  it('is in a list without them', async () => {
    await using gemini = await simulatedGemini()
    await gemini.wait((await gemini.client.batches.create({ model: testModel, src: texts(2) })).name)
    const { operations } = (await (await gemini.call('/v1beta/batches')).json()) as { operations: WireOperation[] }
    expect(operations[0]).toMatchObject({ done: true, metadata: { state: 'BATCH_STATE_SUCCEEDED' } })
    expect(operations[0]?.response).toBeUndefined()
  })

  it('is refused above 20 MB', async () => {
    await using gemini = await simulatedGemini()
    const src = [{ contents: 'x'.repeat(21 << 20) }]
    const created = gemini.client.batches.create({ model: testModel, src })
    await expect(created).rejects.toThrow('Request payload size exceeds the limit: 20971520 bytes.')
  })

  it('is refused for one line that is to be refused', async () => {
    await using gemini = await simulatedGemini()
    const src = [{ contents: 'Hi' }, { contents: 'Hi [[simulate:refused_line]]' }]
    const created = gemini.client.batches.create({ model: testModel, src })
    await expect(created).rejects.toThrow('requests[1]: this request was refused')
  })
})

describe('a batch of embeddings', () => {
  it('comes back inline, as the SDK creates it', async () => {
    const warning = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await using gemini = await simulatedGemini({ quirks: { random_order: false } })
    const { name = '' } = await gemini.client.batches.createEmbeddings({
      model: embeddingModel,
      src: { inlinedRequests: { contents: ['One', 'Two'], config: { outputDimensionality: 8 } } },
    })
    const operation = await gemini.wait(name)
    expect(operation.metadata['@type']).toMatch(/EmbedContentBatch$/)
    const { dest } = await gemini.client.batches.get({ name })
    const wanted = ['One', 'Two'].map((text) => geminiEmbeddingFor({ content: { parts: [{ text }] }, outputDimensionality: 8 }))
    expect(dest?.inlinedEmbedContentResponses?.map(({ response }) => response?.embedding)).toEqual(wanted)
    expect(wanted[0]?.values).toHaveLength(8)
    warning.mockRestore()
  })

  it('comes back as a file, at its keys', async () => {
    const warning = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await using gemini = await simulatedGemini()
    const request = (text: string): object => ({ content: { parts: [{ text }] }, taskType: 'RETRIEVAL_DOCUMENT' })
    const lines = [
      JSON.stringify({ key: 'a', request: request('One') }),
      JSON.stringify({ key: 'b', request: request('Two [[simulate:transient]]') }),
      JSON.stringify({ key: 'c', request: {} }),
    ]
    const fileName = (await gemini.upload(lines)).name ?? ''
    const { name } = await gemini.client.batches.createEmbeddings({ model: embeddingModel, src: { fileName } })
    const ended = await gemini.results(await gemini.wait(name))
    const byKey = new Map(ended.map((line) => [line.key, line]))
    expect(byKey.get('a')?.response).toMatchObject({ tokenCount: '1', embedding: { values: { length: 3072 } } })
    expect(byKey.get('b')?.error?.code).toBe(13)
    expect(byKey.get('c')?.error).toMatchObject({ code: 3, message: expect.stringContaining('is not specified') })
    const { batches } = await gemini.control.books()
    expect(batches).toMatchObject([{ endpoint: 'asyncBatchEmbedContent', billed_requests: 1, output_tokens: 0 }])
    warning.mockRestore()
  })
})

describe('quirks of inline results', () => {
  it('inline_results: those of a file come inline', async () => {
    await using gemini = await simulatedGemini({ quirks: { inline_results: true } })
    const operation = await gemini.run(requestLines(3))
    expect(operation.response?.responsesFile).toBeUndefined()
    expect(
      inlined(operation)
        .map(({ metadata }) => String(metadata?.['key']))
        .toSorted(),
    ).toEqual(['item-0', 'item-1', 'item-2'])
  })

  it('missing_metadata: nothing says whose an answer is', async () => {
    await using gemini = await simulatedGemini({ quirks: { missing_metadata: true } })
    const operation = await gemini.wait((await gemini.client.batches.create({ model: testModel, src: texts(2) })).name)
    expect(inlined(operation).map(({ metadata, response }) => [metadata, typeof responseText(response as object)])).toEqual([
      [undefined, 'string'],
      [undefined, 'string'],
    ])
  })

  it('output_file_delay_ms: succeeded, and no results yet', async () => {
    await using gemini = await simulatedGemini({ quirks: { output_file_delay_ms: '10m' } })
    const { name } = await gemini.client.batches.create({ model: testModel, src: texts(2) })
    expect(inlined(await gemini.wait(name))).toEqual([])
    await gemini.control.setOptions({ quirks: { output_file_delay_ms: 0 } })
    expect(inlined(await gemini.wait(name))).toHaveLength(2)
  })
})
