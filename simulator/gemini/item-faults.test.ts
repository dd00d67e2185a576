import { GoogleGenAI, type GenerateContentResponse } from '@google/genai'
import { describe, expect, it } from 'vitest'
import { itemFaultKinds } from '../item-faults.ts'
import {
  requestLine,
  requestLines,
  responseText,
  simulatedGeminis,
  testModel,
  type SimulatedGemini,
} from '../testing/simulated-gemini.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)

const schema = { type: 'OBJECT', properties: { label: { type: 'STRING' } }, required: ['label'] }
const asked = { generationConfig: { responseMimeType: 'application/json', responseSchema: schema } }

describe('item faults in a batch', () => {
  it.each([
    ['transient', 13],
    ['status_zero', 13],
    ['rate_limited', 8],
    ['overloaded', 14],
    ['expired', 4],
    ['invalid_request', 3],
    ['auth', 7],
  ])('%s: a line with an error of code %d', async (kind, code) => {
    await using gemini = await simulatedGemini()
    const operation = await gemini.run([requestLine('a', `Hello [[simulate:${kind}]]`), requestLine('b', 'Hello')])
    expect(operation.metadata).toMatchObject({
      state: 'BATCH_STATE_SUCCEEDED',
      batchStats: { successfulRequestCount: '1', failedRequestCount: '1' },
    })
    const line = (await gemini.results(operation)).find(({ key }) => key === 'a')
    expect(line).toMatchObject({ key: 'a', error: { code, message: expect.any(String) } })
    expect(line?.response).toBeUndefined()
    expect((await gemini.control.books()).billed.batch.requests).toBe(1)
  })

  const answers: [string, object][] = [
    ['truncated', { candidates: [{ finishReason: 'MAX_TOKENS', content: { parts: [{}] } }] }],
    ['truncated reason=THOUGHTS', { candidates: [{ finishReason: 'MAX_TOKENS', content: { role: 'model' } }] }],
    ['empty', { candidates: [{ finishReason: 'STOP', content: { role: 'model' } }] }],
    ['content_filter', { candidates: [{ finishReason: 'SAFETY' }] }],
    ['content_filter reason=RECITATION', { candidates: [{ finishReason: 'RECITATION' }] }],
    ['content_filter reason=PROHIBITED_CONTENT', { candidates: [{ finishReason: 'PROHIBITED_CONTENT' }] }],
    ['content_filter reason=MALFORMED_FUNCTION_CALL', { candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL' }] }],
    ['refusal', { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }],
    ['refusal reason=SAFETY', { promptFeedback: { blockReason: 'SAFETY' } }],
  ]
  it.each(answers)('%s: an answer that is charged', async (directive, response) => {
    await using gemini = await simulatedGemini()
    const operation = await gemini.run([requestLine('a', `Hello [[simulate:${directive}]]`)])
    expect(operation.metadata.batchStats).toEqual({ requestCount: '1', successfulRequestCount: '1' })
    const [line] = await gemini.results(operation)
    expect(line?.response).toMatchObject(response)
    if (!directive.startsWith('truncated') || directive.includes('THOUGHTS')) expect(responseText(line?.response)).toBe('')
    if (directive.startsWith('refusal')) expect(line?.response?.candidates).toBeUndefined()
    expect((await gemini.control.books()).billed.batch.requests).toBe(1)
  })

  it('missing: no line at all, yet charged and counted', async () => {
    await using gemini = await simulatedGemini()
    const operation = await gemini.run([requestLine('a', 'Hello [[simulate:missing]]')])
    expect(operation.metadata.batchStats).toMatchObject({ successfulRequestCount: '1' })
    expect((await gemini.rawResults(operation)).length).toBe(0)
    expect((await gemini.control.books()).batches).toMatchObject([{ billed_requests: 1, delivered_requests: 0 }])
  })

  it.each(['prose', 'fence', 'invalid_json', 'wrong_schema'])('invalid_output, %s', async (variant) => {
    await using gemini = await simulatedGemini()
    const operation = await gemini.run([requestLine('a', `Label this [[simulate:invalid_output variant=${variant}]]`, asked)])
    const text = responseText((await gemini.results(operation))[0]?.response)
    if (variant === 'fence') expect(JSON.parse(/```json\n(.*)\n```/s.exec(text)?.[1] ?? '')).toHaveProperty('label')
    else if (variant === 'wrong_schema') expect(JSON.parse(text)).not.toHaveProperty('label')
    else expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
  })

  it('picks the same prompts whatever their keys are, and lets them succeed after their attempts', async () => {
    await using gemini = await simulatedGemini({ faults: ['items:transient:rate=0.3,first_attempts=2'] })
    const failed: string[][] = []
    for (const prefix of ['x', 'y', 'z']) {
      const lines = requestLines(30).map((line) => line.replace('"item-', `"${prefix}-`))
      const results = await gemini.results(await gemini.run(lines))
      failed.push(results.flatMap(({ key = '', error }) => (error === undefined ? [] : [key.slice(2)])).sort())
    }
    expect(failed[0]?.length).toBeGreaterThan(2)
    expect(failed[1]).toEqual(failed[0])
    expect(failed[2]).toEqual([])
  })

  it('recognises a prompt that is asked again with feedback on its bad answer', async () => {
    await using gemini = await simulatedGemini()
    const prompt = 'Label this [[simulate:invalid_output times=1 variant=prose]]'
    const bad = responseText((await gemini.results(await gemini.run([requestLine('a', prompt, asked)])))[0]?.response)
    const contents = [
      { role: 'user', parts: [{ text: prompt }] },
      { role: 'model', parts: [{ text: bad }] },
      { role: 'user', parts: [{ text: 'That was not JSON. Answer again.' }] },
    ]
    const again = await gemini.run([requestLine('b', prompt, { ...asked, contents })])
    expect(JSON.parse(responseText((await gemini.results(again))[0]?.response))).toHaveProperty('label')
  })

  it('refuses one parameter until it is gone', async () => {
    await using gemini = await simulatedGemini()
    const prompt = 'Hi [[simulate:invalid_request param=topK]]'
    const [refused] = await gemini.results(await gemini.run([requestLine('a', prompt, { generationConfig: { topK: 3 } })]))
    expect(refused?.error).toMatchObject({ code: 3, message: expect.stringContaining('top_k') })
    expect((await gemini.run([requestLine('a', prompt)])).metadata.batchStats?.failedRequestCount).toBeUndefined()
  })

  it('says which directive it does not know', async () => {
    await using gemini = await simulatedGemini()
    const [line] = await gemini.results(await gemini.run([requestLine('a', 'Hi [[simulate:nonsense]]')]))
    expect(line?.error?.message).toContain('[[simulate:nonsense]]')
  })
})

describe('item faults of a realtime call', () => {
  const ask = (gemini: SimulatedGemini, prompt: string): Promise<GenerateContentResponse> =>
    gemini.client.models.generateContent({ model: testModel, contents: prompt })

  it.each([
    ['transient', 500, 'INTERNAL'],
    ['rate_limited', 429, 'RESOURCE_EXHAUSTED'],
    ['overloaded', 503, 'UNAVAILABLE'],
    ['expired', 504, 'DEADLINE_EXCEEDED'],
    ['auth', 403, 'PERMISSION_DENIED'],
    ['invalid_request', 400, 'INVALID_ARGUMENT'],
  ])('%s: an HTTP error, and then none', async (kind, status, name) => {
    await using gemini = await simulatedGemini()
    const refused = ask(gemini, `Hi [[simulate:${kind} times=1]]`)
    await expect(refused).rejects.toMatchObject({ status, message: expect.stringContaining(`"status":"${name}"`) })
    expect((await ask(gemini, `Hi [[simulate:${kind} times=1]]`)).text).toContain('[sim:')
  })

  it('missing: the connection is cut, and the answer charged', async () => {
    await using gemini = await simulatedGemini()
    await expect(ask(gemini, 'Hi [[simulate:missing]]')).rejects.toThrow('fetch failed')
    expect((await gemini.control.books()).billed.realtime.requests).toBe(1)
  })

  it.each(itemFaultKinds)('%s: one of the things that a directive can ask for', async (kind) => {
    await using gemini = await simulatedGemini()
    const outcome = await ask(gemini, `Hi [[simulate:${kind}]]`).then(
      () => 'answered',
      (error: unknown) => String(error),
    )
    expect(outcome).not.toContain('does not know the directive')
  })
})
