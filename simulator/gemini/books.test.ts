import { GoogleGenAI } from '@google/genai'
import { describe, expect, it } from 'vitest'
import { keyFingerprint } from '../books.ts'
import { requestLine, requestLines, simulatedGeminis, testModel } from '../testing/simulated-gemini.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)

describe('the books', () => {
  it('bill every answer once: a batch at half price, nothing for what failed', async () => {
    await using gemini = await simulatedGemini({ faults: ['items:transient:rate=0.3,first_attempts=always'] })
    const operation = await gemini.run(requestLines(30))
    await gemini.control.clearFaults()
    const { usageMetadata } = await gemini.client.models.generateContent({ model: 'gemini-2.5-pro', contents: 'Hello' })
    const requests = await Array.fromAsync(gemini.control.requests())
    const inBatch = requests.filter(({ via }) => via === 'batch')
    expect(new Set(inBatch.map(({ custom_id }) => custom_id)).size).toBe(30)
    expect(String(inBatch.filter(({ billed }) => billed).length)).toBe(operation.metadata.batchStats?.successfulRequestCount)
    for (const line of inBatch) {
      // gemini-2.5-flash: 300 and 2,500 nano-dollars a token, halved; thinking is output.
      expect(Number(line.cost_nano_usd)).toBe(line.billed ? 150 * line.input_tokens + 1250 * line.output_tokens : 0)
      expect(line).toMatchObject({
        provider: 'gemini',
        endpoint: 'batchGenerateContent',
        key: keyFingerprint('sk-test'),
        batch_id: operation.name,
        status_code: line.billed ? 200 : 500,
      })
      if (line.billed) expect(line.output_tokens).toBeGreaterThan(line.reasoning_tokens)
    }
    const { promptTokenCount = 0, candidatesTokenCount = 0, thoughtsTokenCount = 0 } = usageMetadata ?? {}
    const realtimeCost = 1250 * promptTokenCount + 10_000 * (candidatesTokenCount + thoughtsTokenCount)
    expect(requests.at(-1)).toMatchObject({ via: 'realtime', batch_id: null, cost_nano_usd: String(realtimeCost) })
    const { billed, batches, files, calls } = await gemini.control.books()
    const batchCost = inBatch.reduce((sum, line) => sum + BigInt(line.cost_nano_usd), 0n)
    expect(batches).toMatchObject([
      {
        provider: 'gemini',
        status: 'BATCH_STATE_SUCCEEDED',
        model: testModel,
        input_filename: 'input.jsonl',
        metadata: { displayName: 'test' },
        total: 30,
        finished: 30,
        cost_nano_usd: String(batchCost),
      },
    ])
    expect(billed.cost_nano_usd).toBe(String(batchCost + BigInt(realtimeCost)))
    expect(files.map(({ filename, purpose }) => [filename, purpose])).toEqual([
      ['input.jsonl', 'application/jsonl'],
      ['', 'application/jsonl'],
    ])
    expect(batches[0]?.retrieved).toBe(calls['gemini/batches.retrieve'])
  })

  it('bill what the cache gives back at its own price, which a batch does not halve', async () => {
    await using gemini = await simulatedGemini({ quirks: { random_order: false } })
    const systemInstruction = { parts: [{ text: 'A long instruction. '.repeat(300) }] }
    const lines = ['a', 'b', 'c'].map((key) => requestLine(key, `Question ${key}`, { systemInstruction }))
    const operation = await gemini.run(lines)
    const requests = await Array.fromAsync(gemini.control.requests())
    expect(requests.map(({ cache_read_input_tokens: read }) => read)).toEqual([0, 1500, 1500])
    for (const { input_tokens: input, output_tokens: output, cache_read_input_tokens: read = 0, cost_nano_usd: cost } of requests)
      expect(Number(cost)).toBe(150 * input + 1250 * output + 30 * read)
    const [, second] = await gemini.results(operation)
    const { promptTokenCount, cachedContentTokenCount = 0 } = second?.response?.usageMetadata ?? {}
    expect(promptTokenCount).toBe((requests[1]?.input_tokens ?? 0) + cachedContentTokenCount)
  })

  it('never hold an API key', async () => {
    await using gemini = await simulatedGemini()
    await gemini.run(requestLines(1))
    const text = await (await fetch(`${gemini.simulator.url}/_simulator/books`)).text()
    expect(text).toContain(keyFingerprint('sk-test'))
    expect(text).not.toContain('sk-test')
  })
})
