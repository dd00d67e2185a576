import { GoogleGenAI } from '@google/genai'
import { describe, expect, it } from 'vitest'
import type { SimulatorOptions } from '../options.ts'
import { requestLines, simulatedGeminis, testModel } from '../testing/simulated-gemini.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)

describe('a create that is refused', () => {
  const source = { fileName: 'files/none' }
  const cases: [string, unknown, number, string, SimulatorOptions?][] = [
    ['no batch', {}, 400, 'batch is not specified'],
    ['no source', { batch: {} }, 400, 'source is not specified'],
    ['a file that is not there', { batch: { inputConfig: source } }, 403, 'or it may not exist'],
    ['two sources', { batch: { inputConfig: { ...source, requests: {} } } }, 400, "oneof field 'source' is already set"],
    ['no requests', { batch: { inputConfig: { requests: { requests: [] } } } }, 400, 'requests is not specified'],
    [
      'a request without one',
      { batch: { inputConfig: { requests: { requests: [{}] } } } },
      400,
      'requests[0].request: request is',
    ],
    ['an unknown field', { batch: { input_config: source, output: 1 } }, 400, 'Unknown name \\"output\\" at \'batch\''],
  ]
  it.each(cases)('says so: %s', async (_name, body, status, message) => {
    await using gemini = await simulatedGemini()
    const path = `/v1beta/models/${testModel}:batchGenerateContent`
    const response = await gemini.call(path, { method: 'POST', body: JSON.stringify(body) })
    expect(response.status).toBe(status)
    expect(await response.text()).toContain(message)
    const { batches, create_calls: calls } = await gemini.control.books()
    expect([batches, calls]).toMatchObject([[], [{ route: 'batches.create', applied: false, status }]])
  })

  it('above 100 open batches with a 429', async () => {
    await using gemini = await simulatedGemini({ duration_ms: '1h' })
    const src = (await gemini.upload(requestLines(1))).name ?? ''
    const create = async (): Promise<unknown> => gemini.client.batches.create({ model: testModel, src })
    for (let open = 0; open < 100; open++) await create()
    await expect(create()).rejects.toMatchObject({ status: 429, message: expect.stringContaining('"quotaValue":"100"') })
  })

  it('above a limit of open batches with a 429, by key', async () => {
    await using gemini = await simulatedGemini({ duration_ms: '1h', concurrent_batch_limit: 2 })
    const first = await gemini.create(requestLines(1))
    await gemini.create(requestLines(1))
    await expect(gemini.create(requestLines(1))).rejects.toMatchObject({ status: 429 })
    const other = gemini.clientOf('sk-other')
    const src = [{ contents: 'Hi' }]
    expect((await other.batches.create({ model: testModel, src })).state).toBe('JOB_STATE_PENDING')
    await gemini.client.batches.cancel({ name: first.name ?? '' })
    await gemini.wait(first.name)
    expect((await gemini.create(requestLines(1))).state).toBe('JOB_STATE_PENDING')
    expect((await gemini.client.batches.list()).page).toHaveLength(3)
  })

  it('above the enqueued tokens of its model with a 429', async () => {
    await using gemini = await simulatedGemini({ duration_ms: '1h', enqueued_token_limits: { [testModel]: 100 } })
    const lines = requestLines(10)
    const { name = '' } = await gemini.create(lines)
    const refused = await gemini.create(lines).then(
      () => '',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    )
    expect(JSON.parse(refused)).toMatchObject({
      error: {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        details: [{ violations: [{ quotaDimensions: { model: testModel }, quotaValue: '100' }] }, {}],
      },
    })
    const { load, batches } = await gemini.control.books()
    expect(batches).toHaveLength(1)
    expect(Object.values(load['gemini']?.enqueued_tokens ?? {})).toEqual([{ current: 60, peak: 60 }])
    await gemini.client.batches.cancel({ name })
    await gemini.wait(name)
    expect((await gemini.create(lines)).state).toBe('JOB_STATE_PENDING')
  })

  it('names a model that is not there', async () => {
    await using gemini = await simulatedGemini({ refuse_unknown_models: true })
    const src = [{ contents: 'Hi' }]
    await expect(gemini.client.batches.create({ model: 'gemini-9', src })).rejects.toThrow('models/gemini-9 is not found')
    const wrong = gemini.client.batches.create({ model: 'gemini-embedding-001', src })
    await expect(wrong).rejects.toThrow('is not supported for batchGenerateContent')
  })
})
