import { GoogleGenAI } from '@google/genai'
import { describe, expect, it } from 'vitest'
import {
  generateRequest,
  requestLine,
  requestLines,
  responseText,
  simulatedGeminis,
  testModel,
  type ResultLine,
} from '../testing/simulated-gemini.ts'
import { geminiPromptFingerprint } from './answer.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)

const keys = (lines: readonly ResultLine[]): string[] => lines.map(({ key = '' }) => key)
const numbers = (count: number): string[] => Array.from({ length: count }, (_value, index) => `item-${index}`)
const markOf = (index: number): string => `[sim:${geminiPromptFingerprint(generateRequest(`Question ${index}`))}]`

describe('quirks', () => {
  it('random_order=false: results in the order of the requests, as promised', async () => {
    await using gemini = await simulatedGemini({ quirks: { random_order: false } })
    expect(keys(await gemini.results(await gemini.run(requestLines(20))))).toEqual(numbers(20))
  })

  it('lying_counts: all succeeded, whatever the results say', async () => {
    await using gemini = await simulatedGemini({ faults: ['quirk:lying_counts', 'items:transient:rate=1'] })
    const operation = await gemini.run(requestLines(4))
    expect(operation.metadata.batchStats).toEqual({ requestCount: '4', successfulRequestCount: '4' })
    expect((await gemini.results(operation)).map(({ error }) => error?.code)).toEqual([13, 13, 13, 13])
  })

  it('counts_delay_ms: the counts are those of a while ago, also when all is over', async () => {
    await using gemini = await simulatedGemini({ quirks: { counts_delay_ms: '10m' } })
    const operation = await gemini.run(requestLines(4))
    expect(operation.metadata).toMatchObject({
      state: 'BATCH_STATE_SUCCEEDED',
      batchStats: { requestCount: '4', pendingRequestCount: '4' },
    })
    expect(await gemini.results(operation)).toHaveLength(4)
    await gemini.control.setOptions({ quirks: { counts_delay_ms: 0 } })
    expect((await gemini.operation(operation.name)).metadata.batchStats?.successfulRequestCount).toBe('4')
  })

  it('unreachable_result_files: a results file can be downloaded, and neither described nor deleted', async () => {
    await using gemini = await simulatedGemini()
    const operation = await gemini.run(requestLines(1))
    const name = operation.response?.responsesFile ?? ''
    expect(name).toHaveLength('files/batch-'.length + 36)
    const { files } = gemini.client
    await expect(files.get({ name })).rejects.toThrow('GetFileRequest.name: File ID')
    await expect(files.delete({ name })).rejects.toMatchObject({ status: 400 })
    expect(await gemini.results(operation)).toHaveLength(1)
    await gemini.control.setOptions({ quirks: { unreachable_result_files: false } })
    expect(await files.get({ name })).toMatchObject({ source: 'GENERATED', mimeType: 'application/jsonl' })
    await files.delete({ name })
    await expect(files.get({ name })).rejects.toMatchObject({ status: 403 })
  })

  it('output_file_delay_ms: succeeded, but no file yet', async () => {
    await using gemini = await simulatedGemini({ quirks: { output_file_delay_ms: '10m' } })
    const operation = await gemini.run(requestLines(1))
    const download = `/download/v1beta/${operation.response?.responsesFile}:download?alt=media`
    expect((await gemini.call(download)).status).toBe(403)
    await gemini.control.setOptions({ quirks: { output_file_delay_ms: 0 } })
    expect((await gemini.call(download)).status).toBe(200)
  })

  it('list_delay_ms and retrieve_delay_ms: a new batch that is not yet there', async () => {
    await using gemini = await simulatedGemini({ quirks: { list_delay_ms: '10m', retrieve_delay_ms: '10m' } })
    const { batches } = gemini.client
    const { name = '' } = await gemini.create(requestLines(1))
    expect((await batches.list()).page).toEqual([])
    await expect(batches.get({ name })).rejects.toMatchObject({ status: 404 })
    await gemini.control.setOptions({ quirks: { list_delay_ms: 0, retrieve_delay_ms: 0 } })
    expect((await batches.list()).page.map((batch) => batch.name)).toEqual([name])
    expect((await gemini.wait(name)).metadata.state).toBe('BATCH_STATE_SUCCEEDED')
  })

  it('repeated_lines: every result twice', async () => {
    await using gemini = await simulatedGemini({ quirks: { repeated_lines: 1 } })
    const lines = await gemini.results(await gemini.run(requestLines(2)))
    expect(keys(lines).sort()).toEqual(['item-0', 'item-0', 'item-1', 'item-1'])
  })

  it('missing_lines: nowhere, yet charged and counted', async () => {
    await using gemini = await simulatedGemini({ quirks: { missing_lines: 0.5 } })
    const operation = await gemini.run(requestLines(40))
    const delivered = (await gemini.results(operation)).length
    expect(delivered).toBeGreaterThan(0)
    expect(delivered).toBeLessThan(40)
    expect(operation.metadata.batchStats?.successfulRequestCount).toBe('40')
    expect((await gemini.control.books()).batches[0]).toMatchObject({ billed_requests: 40, delivered_requests: delivered })
  })

  it('foreign_lines: lines of nobody and of another batch', async () => {
    await using gemini = await simulatedGemini()
    await gemini.run([requestLine('of-another-batch', 'X')])
    await gemini.control.addFault('quirk:foreign_lines=2')
    const lines = await gemini.results(await gemini.run(requestLines(2)))
    expect(keys(lines).sort()).toEqual(['item-0', 'item-1', 'nobody-0', 'of-another-batch'])
  })

  it('swapped_keys: answers at the key of another request, none lost', async () => {
    await using gemini = await simulatedGemini({ quirks: { swapped_keys: 1 } })
    const lines = await gemini.results(await gemini.run(requestLines(6)))
    expect(keys(lines).sort()).toEqual(numbers(6))
    expect(lines.every(({ key = '', response }) => !responseText(response).includes(markOf(Number(key.slice(5)))))).toBe(true)
    expect(new Set(lines.map(({ response }) => responseText(response))).size).toBe(6)
  })

  it('invalid_json_lines: lines that break off, charged but not delivered', async () => {
    await using gemini = await simulatedGemini({ quirks: { invalid_json_lines: 1 } })
    const lines = (await gemini.rawResults(await gemini.run(requestLines(3)))).toString().trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(() => JSON.parse(line) as unknown).toThrow(SyntaxError)
    expect((await gemini.control.books()).batches[0]).toMatchObject({ billed_requests: 3, delivered_requests: 0 })
  })

  it('invalid_utf8_lines: a byte that is not UTF-8 in valid JSON', async () => {
    await using gemini = await simulatedGemini({ quirks: { invalid_utf8_lines: 1 } })
    const bytes = await gemini.rawResults(await gemini.run([requestLine('a', 'A')]))
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow(TypeError)
    expect(JSON.parse(bytes.toString())).toMatchObject({ key: 'a', response: { candidates: [{}] } })
  })

  it('long_line_bytes: one long line with the same content', async () => {
    await using gemini = await simulatedGemini({ quirks: { long_line_bytes: 300_000 } })
    const operation = await gemini.run(requestLines(2))
    const lines = (await gemini.rawResults(operation)).toString().split('\n')
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line) + 1))).toBe(300_000)
    expect(await gemini.results(operation)).toHaveLength(2)
  })

  it('truncated_downloads: the first download breaks off, the next is whole', async () => {
    await using gemini = await simulatedGemini({ quirks: { truncated_downloads: 1 } })
    const operation = await gemini.run(requestLines(20))
    await expect(gemini.results(operation)).rejects.toThrow('terminated')
    expect(await gemini.results(operation)).toHaveLength(20)
  })

  it('broken_json_schema: in a batch responseJsonSchema comes out wrong, responseSchema does not', async () => {
    await using gemini = await simulatedGemini({ quirks: { broken_json_schema: true } })
    const schema = { type: 'object', properties: { label: { type: 'string' } }, required: ['label'] }
    const config = { responseMimeType: 'application/json', responseJsonSchema: schema }
    const openApi = { responseMimeType: 'application/json', responseSchema: { ...schema, type: 'OBJECT' } }
    const lines = [
      requestLine('json', 'Label', { generationConfig: config }),
      requestLine('openapi', 'Label', { generationConfig: openApi }),
    ]
    const results = new Map(
      (await gemini.results(await gemini.run(lines))).map(({ key, response }) => [key, responseText(response)]),
    )
    expect(JSON.parse(results.get('json') ?? '')).not.toHaveProperty('label')
    expect(JSON.parse(results.get('openapi') ?? '')).toHaveProperty('label')
    const alone = await gemini.client.models.generateContent({ model: testModel, contents: 'Label', config })
    expect(JSON.parse(alone.text ?? '')).toHaveProperty('label')
  })
})
