import {
  FunctionCallingConfigMode,
  GoogleGenAI,
  Type,
  type GenerateContentConfig,
  type GenerateContentResponse,
} from '@google/genai'
import { describe, expect, it } from 'vitest'
import { generateRequest, simulatedGeminis, testModel, type SimulatedGemini } from '../testing/simulated-gemini.ts'
import { promptFingerprint } from '../openai/answer.ts'
import { geminiAnswerFor, geminiEmbeddingFor, geminiPromptFingerprint } from './answer.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)

const ask = (
  gemini: SimulatedGemini,
  contents: string,
  config: GenerateContentConfig = {},
  model = testModel,
): Promise<GenerateContentResponse> => gemini.client.models.generateContent({ model, contents, config })

describe('generateContent', () => {
  it('answers a prompt the same each time, in usage and words, but for its id', async () => {
    await using gemini = await simulatedGemini()
    const [first, second] = [await ask(gemini, 'Why?'), await ask(gemini, 'Why?')]
    const { candidates, usageMetadata } = geminiAnswerFor(testModel, generateRequest('Why?'))
    expect(first.candidates).toEqual(candidates)
    expect(first.usageMetadata).toEqual(usageMetadata)
    expect(second.candidates).toEqual(candidates)
    expect(first.responseId).not.toBe(second.responseId)
    const { promptTokenCount = 0, candidatesTokenCount = 0, thoughtsTokenCount = 0, totalTokenCount } = first.usageMetadata ?? {}
    expect(thoughtsTokenCount).toBeGreaterThan(0)
    expect(totalTokenCount).toBe(promptTokenCount + candidatesTokenCount + thoughtsTokenCount)
  })

  it('thinks as it is told to', async () => {
    await using gemini = await simulatedGemini()
    const thoughts = async (config: GenerateContentConfig, model = testModel): Promise<number> =>
      (await ask(gemini, 'Why?', config, model)).usageMetadata?.thoughtsTokenCount ?? 0
    expect(await thoughts({ thinkingConfig: { thinkingBudget: 0 } })).toBe(0)
    expect(await thoughts({}, 'gemini-2.5-flash-lite')).toBe(0)
    expect(await thoughts({ thinkingConfig: { thinkingBudget: 512 } }, 'gemini-2.5-flash-lite')).toBeGreaterThan(0)
    expect(await thoughts({}, 'gemini-2.0-flash')).toBe(0)
    await expect(thoughts({ thinkingConfig: { thinkingBudget: 0 } }, 'gemini-2.5-pro')).rejects.toThrow(
      'only works in thinking mode',
    )
    const shown = await ask(gemini, 'Why?', { thinkingConfig: { includeThoughts: true } })
    expect(shown.candidates?.[0]?.content?.parts?.map(({ thought }) => thought)).toEqual([true, undefined])
  })

  it('fits a responseSchema, with its capitals, and a responseJsonSchema', async () => {
    await using gemini = await simulatedGemini()
    const responseSchema = {
      type: Type.OBJECT,
      properties: {
        label: { type: Type.STRING, format: 'enum', enum: ['yes', 'no'] },
        score: { type: Type.INTEGER, minimum: 1, maximum: 5 },
        tags: { type: Type.ARRAY, items: { type: Type.STRING }, minItems: '2', maxItems: '2' },
        note: { type: Type.STRING, nullable: true },
      },
      required: ['label', 'score', 'tags', 'note'],
    }
    const typed = await ask(gemini, 'Label', { responseMimeType: 'application/json', responseSchema })
    const value = JSON.parse(typed.text ?? '') as { label: string; score: number; tags: string[]; note: string | null }
    expect(['yes', 'no']).toContain(value.label)
    expect([1, 2, 3, 4, 5]).toContain(value.score)
    expect(value.tags).toHaveLength(2)
    expect(value.note === null || typeof value.note === 'string').toBe(true)
    const responseJsonSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const plain = await ask(gemini, 'Where?', { responseMimeType: 'application/json', responseJsonSchema })
    expect(JSON.parse(plain.text ?? '')).toEqual({ city: expect.any(String) })
    const free = await ask(gemini, 'Anything', { responseMimeType: 'application/json' })
    expect(JSON.parse(free.text ?? '')).toHaveProperty('answer')
  })

  it('knows a conversation by the fingerprint that it has at the other providers', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Why?' },
    ]
    const request = generateRequest('Why?', { systemInstruction: { parts: [{ text: 'Be brief.' }] } })
    expect(geminiPromptFingerprint(request)).toBe(promptFingerprint('/v1/chat/completions', { model: 'gpt-5', messages }))
  })

  it('reads requests in the other spelling, as the guide writes them in files', async () => {
    await using gemini = await simulatedGemini()
    const body = {
      contents: [{ parts: [{ text: 'Where?' }] }],
      system_instruction: { parts: [{ text: 'Be brief.' }] },
      generation_config: { response_mime_type: 'application/json', max_output_tokens: 2000 },
    }
    const response = await gemini.call(`/v1beta/models/${testModel}:generateContent`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    expect(await response.json()).toMatchObject({ candidates: [{ finishReason: 'STOP' }] })
  })

  it('calls a function that it has to call', async () => {
    await using gemini = await simulatedGemini()
    const parameters = { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ['city'] }
    const response = await ask(gemini, 'Weather?', {
      tools: [{ functionDeclarations: [{ name: 'weather', parameters }] }],
      toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
    })
    expect(response.functionCalls).toMatchObject([{ name: 'weather', args: { city: expect.any(String) } }])
  })

  it('ends at a limit and at a stop sequence', async () => {
    await using gemini = await simulatedGemini()
    const cut = await ask(gemini, 'Why?', { maxOutputTokens: 5 })
    expect(cut.candidates?.[0]?.finishReason).toBe('MAX_TOKENS')
    expect(cut.text).toHaveLength(20)
    expect((await ask(gemini, 'Why?', { stopSequences: ['“'] })).text).not.toContain('“')
  })

  it('takes a long instruction out of its cache the second time', async () => {
    await using gemini = await simulatedGemini()
    const systemInstruction = 'A long instruction. '.repeat(300)
    const [first, second] = [await ask(gemini, 'One', { systemInstruction }), await ask(gemini, 'Two', { systemInstruction })]
    expect(first.usageMetadata?.cachedContentTokenCount).toBeUndefined()
    expect(second.usageMetadata).toMatchObject({ cachedContentTokenCount: 1500, cacheTokensDetails: [{ tokenCount: 1500 }] })
    expect(second.usageMetadata?.promptTokenCount).toBeGreaterThan(1500)
  })

  it.each([
    ['nothing asked', { contents: [] }, 'contents is not specified'],
    ['an unknown field', generateRequest('Hi', { max_tokens: 1 }), 'Unknown name \\"max_tokens\\": Cannot find field'],
    [
      'an unknown field of its config',
      generateRequest('Hi', { generationConfig: { maxTokens: 1 } }),
      'Unknown name \\"maxTokens\\" at \'generation_config\'',
    ],
    [
      'a schema without JSON',
      generateRequest('Hi', { generationConfig: { responseSchema: {} } }),
      'only allowed if response_mime_type',
    ],
    ['a wrong role', { contents: [{ role: 'assistant', parts: [{ text: 'Hi' }] }] }, 'Please use a valid role: user, model.'],
    [
      'too many tokens',
      generateRequest('Hi', { generationConfig: { maxOutputTokens: 99_999 } }),
      'maxOutputTokens value of 99999',
    ],
    ['a cached content', generateRequest('Hi', { cachedContent: 'cachedContents/x' }), 'CachedContent not found'],
  ])('refuses %s', async (_name, body, message) => {
    await using gemini = await simulatedGemini()
    const response = await gemini.call(`/v1beta/models/${testModel}:generateContent`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    expect(response.ok).toBe(false)
    expect(await response.text()).toContain(message)
  })
})

describe('streamGenerateContent', () => {
  it('sends the same answer in pieces', async () => {
    await using gemini = await simulatedGemini()
    const pieces: GenerateContentResponse[] = []
    for await (const piece of await gemini.client.models.generateContentStream({ model: testModel, contents: 'Why?' }))
      pieces.push(piece)
    expect(pieces.length).toBeGreaterThan(3)
    expect(pieces.map(({ text }) => text).join('')).toBe((await ask(gemini, 'Why?')).text)
    expect(pieces.map((piece) => piece.candidates?.[0]?.finishReason).filter((reason) => reason !== undefined)).toEqual(['STOP'])
  })

  it('is a list of JSON for who does not ask for events', async () => {
    await using gemini = await simulatedGemini()
    const body = JSON.stringify(generateRequest('Why?'))
    const response = await gemini.call(`/v1beta/models/${testModel}:streamGenerateContent`, { method: 'POST', body })
    expect(((await response.json()) as unknown[]).length).toBeGreaterThan(3)
  })
})

describe('the other calls', () => {
  it('embed one text, and several', async () => {
    await using gemini = await simulatedGemini()
    const { models } = gemini.client
    const wanted = (text: string): unknown => geminiEmbeddingFor({ content: { parts: [{ text }] } })
    const { embeddings } = await models.embedContent({ model: 'gemini-embedding-001', contents: ['One', 'Two'] })
    expect(embeddings).toEqual([wanted('One'), wanted('Two')])
    const body = JSON.stringify({ content: { parts: [{ text: 'One' }] } })
    const one = await gemini.call('/v1beta/models/gemini-embedding-001:embedContent', { method: 'POST', body })
    expect(await one.json()).toEqual({ embedding: wanted('One') })
    await expect(models.embedContent({ model: testModel, contents: 'One' })).rejects.toThrow('is not supported for')
  })

  it('count tokens as they are billed', async () => {
    await using gemini = await simulatedGemini()
    const { totalTokens } = await gemini.client.models.countTokens({ model: testModel, contents: 'Why is the sky blue?' })
    expect(totalTokens).toBe((await ask(gemini, 'Why is the sky blue?')).usageMetadata?.promptTokenCount)
    expect((await gemini.control.books({ realtime: true })).create_calls).toHaveLength(1)
  })

  it('list and describe the models', async () => {
    await using gemini = await simulatedGemini()
    const names: (string | undefined)[] = []
    for await (const model of await gemini.client.models.list({ config: { pageSize: 5 } })) names.push(model.name)
    expect(names).toContain('models/gemini-2.5-flash')
    expect(await gemini.client.models.get({ model: testModel })).toMatchObject({
      name: 'models/gemini-2.5-flash',
      supportedActions: expect.arrayContaining(['batchGenerateContent']),
    })
    await expect(gemini.client.models.get({ model: 'gemini-9' })).rejects.toMatchObject({ status: 404 })
  })
})
