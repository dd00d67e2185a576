import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { fromGeminiRequest } from './gemini-translation.ts'

const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }]
const messages = [{ role: 'user', content: 'Hi' }]
const translate = (request: JsonObject) => fromGeminiRequest({ model: 'models/gemini', contents, ...request })
const configure = (generationConfig: JsonObject) => translate({ generationConfig })
const ask = (...parts: JsonObject[]): JsonObject => ({ contents: [{ role: 'user', parts }] })
const declare = (declaration: JsonObject): JsonObject => ({ tools: [{ functionDeclarations: [declaration] }] })
const call = (functionCall: JsonObject): JsonObject => ({ role: 'model', parts: [{ functionCall }] })
const respond = (...functionResponses: JsonObject[]): JsonObject => ({
  role: 'user',
  parts: functionResponses.map((functionResponse) => ({ functionResponse })),
})

describe('what maps', () => {
  const schema = { type: 'object', properties: {} }
  test.each<[JsonObject, JsonObject]>([
    [
      { maxOutputTokens: 9, temperature: 2, topP: 0.5 },
      { max_tokens: 9, temperature: 2, top_p: 0.5 },
    ],
    [
      { max_output_tokens: 9, top_p: 0.5 },
      { max_tokens: 9, top_p: 0.5 },
    ],
    [{ stopSequences: ['a'] }, { stop: ['a'] }],
    [{ stop_sequences: [] }, {}],
    [{ candidateCount: 1, responseLogprobs: false, responseModalities: ['TEXT'], seed: null }, {}],
    [{ responseMimeType: 'text/plain' }, {}],
    [
      { responseMimeType: 'application/json', responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING' } } } },
      { schema: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false } },
    ],
    [{ response_mime_type: 'application/json', response_json_schema: schema }, { schema }],
    [{ responseMimeType: 'application/json', _responseJsonSchema: schema }, { schema }],
    [{ responseFormat: [{ text: { mimeType: 'application/json', schema } }] }, { schema }],
    [{ responseFormat: { text: { mimeType: 'text/plain' } } }, {}],
    [{ thinkingConfig: { thinkingLevel: 'HIGH' } }, { reasoning_effort: 'high' }],
    [{ thinking_config: { thinking_level: 'low' } }, { reasoning_effort: 'low' }],
    [{ thinkingConfig: { thinkingLevel: 'THINKING_LEVEL_UNSPECIFIED' } }, {}],
    [{ thinkingConfig: { thinkingBudget: 0 } }, { reasoning_effort: 'none' }],
    [{ thinkingConfig: { thinkingLevel: 'THINKING_LEVEL_UNSPECIFIED', thinkingBudget: 0 } }, { reasoning_effort: 'none' }],
  ])('generationConfig %j', (config, expected) => {
    const { request, warnings } = configure(config)
    expect(request).toEqual({ kind: 'generate', messages, ...expected })
    expect(warnings).toEqual([])
  })

  test.each<[JsonObject, JsonObject]>([
    [{ systemInstruction: { parts: [{ text: 'S' }] } }, { messages: [{ role: 'system', content: 'S' }, ...messages] }],
    [
      { system_instruction: { role: 'user', parts: [{ text: 'S' }, { text: 'T' }] } },
      {
        messages: [
          {
            role: 'system',
            content: [
              { type: 'text', text: 'S' },
              { type: 'text', text: 'T' },
            ],
          },
          ...messages,
        ],
      },
    ],
    [{ contents: [{ parts: [{ text: 'Hi' }] }] }, {}],
    [{ toolConfig: { functionCallingConfig: { mode: 'AUTO' } } }, {}],
    [
      declare({
        name: 'f',
        description: 'F',
        parameters: { type: 'OBJECT', properties: { a: { type: 'STRING' } } },
        behavior: 'BLOCKING',
      }),
      { tools: [{ name: 'f', description: 'F', parameters: { type: 'object', properties: { a: { type: 'string' } } } }] },
    ],
    [
      {
        tools: [
          { function_declarations: [{ name: 'f', parameters_json_schema: schema }] },
          { functionDeclarations: [{ name: 'g' }] },
        ],
      },
      { tools: [{ name: 'f', parameters: schema }, { name: 'g' }] },
    ],
  ])('%j', (request, expected) => {
    const translated = translate(request)
    expect(translated.request).toEqual({ kind: 'generate', messages, ...expected })
    expect(translated.warnings).toEqual([])
  })

  test.each<[JsonObject, JsonObject]>([
    [{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }, { type: 'image', media_type: 'image/png', data: 'aGk=' }],
    [{ inline_data: { mime_type: 'text/csv', data: '-_8' } }, { type: 'file', media_type: 'text/csv', data: '+/8=' }],
    [
      { inlineData: { mimeType: 'application/pdf', data: 'aGk=', displayName: 'a' } },
      { type: 'file', media_type: 'application/pdf', data: 'aGk=', name: 'a' },
    ],
    [{ fileData: { mimeType: 'image/png', fileUri: 'https://x.example/a' } }, { type: 'image', url: 'https://x.example/a' }],
    [{ file_data: { file_uri: 'https://x.example/a.jpg' } }, { type: 'image', url: 'https://x.example/a.jpg' }],
    [{ fileData: { fileUri: 'https://x.example/a.pdf' } }, { type: 'file', url: 'https://x.example/a.pdf' }],
  ])('a part %j', (given, part) => {
    expect(translate(ask({ text: 'Look' }, given)).request).toMatchObject({
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Look' }, part] }],
    })
  })

  test('answers to calls find them by their ids, or by the function in its order', () => {
    const { request } = translate({
      contents: [
        ...contents,
        {
          role: 'model',
          parts: [{ text: 'Well.' }, { functionCall: { name: 'f', args: { n: 1 } } }, { function_call: { name: 'f' } }],
        },
        respond({ name: 'f', response: { output: 'one' } }, { name: 'f', response: { result: 'two' } }),
        call({ id: 'x', name: 'g', args: {} }),
        { role: 'function', parts: [{ functionResponse: { id: 'x', name: 'g', response: { a: 1, b: 2 } } }, { text: 'Go on' }] },
      ],
    })
    expect(request).toMatchObject({
      messages: [
        ...messages,
        {
          role: 'assistant',
          content: 'Well.',
          tool_calls: [
            { id: 'call_1', name: 'f', arguments: '{"n":1}' },
            { id: 'call_2', name: 'f', arguments: '{}' },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'one' },
        { role: 'tool', tool_call_id: 'call_2', content: 'two' },
        { role: 'assistant', content: '', tool_calls: [{ id: 'x', name: 'g', arguments: '{}' }] },
        { role: 'tool', tool_call_id: 'x', content: '{"a":1,"b":2}' },
        { role: 'user', content: 'Go on' },
      ],
    })
  })
})

describe('what is left out, with a warning', () => {
  const nothingLike = (name: string) => `${name} left out: there is nothing like it`
  test.each<[JsonObject, string]>([
    [{ safetySettings: [] }, nothingLike('safetySettings')],
    [{ safety_settings: [] }, nothingLike('safetySettings')],
    [{ labels: {} }, nothingLike('labels')],
    [{ serviceTier: 'x' }, nothingLike('serviceTier')],
    [{ store: true }, nothingLike('store')],
    [{ generationConfig: { topK: 3 } }, nothingLike('topK')],
    [{ generationConfig: { seed: 3 } }, nothingLike('seed')],
    [{ generationConfig: { presencePenalty: 1 } }, nothingLike('presencePenalty')],
    [{ generationConfig: { frequency_penalty: 1 } }, nothingLike('frequencyPenalty')],
    [{ generationConfig: { mediaResolution: 'x' } }, nothingLike('mediaResolution')],
    [{ generationConfig: { thinkingConfig: { includeThoughts: true } } }, nothingLike('includeThoughts')],
    [{ generationConfig: { thinkingConfig: { thinkingBudget: 8_192 } } }, 'thinkingBudget sent as the effort "medium"'],
    [{ generationConfig: { thinkingConfig: { thinkingBudget: -1 } } }, 'thinkingBudget left out: models differ'],
    [ask({ inlineData: { mimeType: 'image/png', data: 'aGk=', displayName: 'a' } }), nothingLike('displayName')],
    [{ systemInstruction: { parts: [{ text: 'S', partMetadata: {} }] } }, nothingLike('partMetadata')],
    [
      { contents: [...contents, { role: 'model', parts: [{ text: 'x', thoughtSignature: 's' }] }] },
      nothingLike('thoughtSignature'),
    ],
    [{ contents: [...contents, { role: 'model', parts: [{ text: 'x', thought: true }, { text: 'y' }] }] }, 'thoughts left out'],
  ])('%j', (request, warning) => {
    expect(translate(request).warnings).toEqual([expect.stringContaining(warning)])
  })
})

describe('what is refused, by its path', () => {
  test.each<[JsonObject, string]>([
    [{ cachedContent: 'cachedContents/x' }, 'request.cachedContent: can not be translated'],
    [{ cached_content: 'cachedContents/x' }, 'request.cached_content: can not be translated'],
    [{ mood: 1 }, 'request.mood: can not'],
    [{ tools: [{ functionDeclarations: [] }, { googleSearch: {} }] }, 'request.tools[1].googleSearch: can not'],
    [{ tools: [{ code_execution: {} }] }, 'request.tools[0].code_execution: can not'],
    [declare({ name: 'f', response: {} }), 'request.tools[0].functionDeclarations[0].response: can not'],
    [declare({ name: 'f', behavior: 'NON_BLOCKING' }), 'request.tools[0].functionDeclarations[0].behavior: only'],
    [declare({ name: 'f', parameters: { type: 'X' } }), 'request.tools[0].functionDeclarations[0].parameters.type: "X"'],
    [{ toolConfig: { functionCallingConfig: { mode: 'ANY' } } }, 'request.toolConfig.functionCallingConfig.mode: only "AUTO"'],
    [{ tool_config: { retrieval_config: {} } }, 'request.tool_config.retrieval_config: can not'],
    [{ generationConfig: { candidateCount: 2 } }, 'request.generationConfig.candidateCount: only 1'],
    [{ generation_config: { response_logprobs: true } }, 'request.generation_config.response_logprobs: only false'],
    [{ generationConfig: { responseModalities: ['TEXT', 'IMAGE'] } }, 'request.generationConfig.responseModalities: only "TEXT"'],
    [{ generationConfig: { speechConfig: {} } }, 'request.generationConfig.speechConfig: can not'],
    [{ generationConfig: { responseMimeType: 'application/json' } }, 'request.generationConfig.responseMimeType: only'],
    [
      { generationConfig: { responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['a'] } } },
      'request.generationConfig.responseMimeType: only',
    ],
    [{ generationConfig: { responseSchema: { type: 'X' } } }, 'request.generationConfig.responseSchema.type: "X"'],
    [{ generationConfig: { responseFormat: [{ image: {} }] } }, 'request.generationConfig.responseFormat[0].image: can not'],
    [{ generationConfig: { maxOutputTokens: 'x' } }, 'request.generationConfig.maxOutputTokens: expected a number'],
    [
      { generationConfig: { thinkingConfig: { thinkingBudget: 'x' } } },
      'request.generationConfig.thinkingConfig.thinkingBudget: expected',
    ],
    [
      { generationConfig: { thinkingConfig: { thinkingLevel: 'LOW', thinkingBudget: 8_192 } } },
      'request.generationConfig.thinkingConfig.thinkingBudget: does not go with',
    ],
    [
      { generationConfig: { responseSchema: { type: 'STRING' }, responseJsonSchema: { type: 'object' } } },
      'request.generationConfig.responseJsonSchema: does not go with request.generationConfig.responseSchema',
    ],
    [
      { generationConfig: { responseFormat: [{ text: { mimeType: 'text/x.enum', schema: {} } }] } },
      'request.generationConfig.responseFormat[0].text.mimeType: only',
    ],
    [
      declare({ name: 'f', parameters: { type: 'OBJECT' }, parametersJsonSchema: {} }),
      'request.tools[0].functionDeclarations[0].parametersJsonSchema: can not',
    ],
    [
      declare({ name: 'f', parameters: { type: 'OBJECT', propertyOrdering: ['a'] } }),
      'request.tools[0].functionDeclarations[0].parameters.propertyOrdering: can not',
    ],
    [{ systemInstruction: { parts: [{ inlineData: {} }] } }, 'request.systemInstruction.parts[0].text: is missing'],
    [{ contents: [] }, 'request.contents: expected at least one message'],
    [{ contents: [{ role: 'robot', parts: [{ text: 'x' }] }] }, 'request.contents[0].role: only'],
    [{ contents: [{ role: 'user' }] }, 'request.contents[0].parts: is missing'],
    [ask(), 'request.contents[0].parts: is empty'],
    [ask({}), 'request.contents[0].parts[0]: is empty'],
    [ask({ text: 'x' }, { executableCode: {} }), 'request.contents[0].parts[1].executableCode: can not'],
    [ask({ text: 'x', inlineData: { mimeType: 'image/png', data: 'aGk=' } }), 'request.contents[0].parts[0].inlineData: can not'],
    [
      ask({ inline_data: { mime_type: 'image/png', data: 'aGk=' }, file_data: {} }),
      'request.contents[0].parts[0].file_data: can not',
    ],
    [
      { contents: [...contents, { role: 'model', parts: [{ thought: true, text: 't', functionCall: {} }] }] },
      'request.contents[1].parts[0].functionCall: can not',
    ],
    [
      { contents: [...contents, { role: 'model', parts: [{ thought: 'no', text: 't' }] }] },
      'request.contents[1].parts[0].thought: only false',
    ],
    [
      { contents: [...contents, call({ id: 'a', name: 'f' }), respond({ id: 'a', name: 'g' })] },
      'request.contents[2].parts[0].functionResponse.name: is "g"',
    ],
    [ask({ text: 'x', videoMetadata: {} }), 'request.contents[0].parts[0].videoMetadata: can not'],
    [
      ask({ inlineData: { mimeType: 'audio/mp3', data: 'aGk=' } }),
      'request.contents[0].parts[0].inlineData.mimeType: audio/mp3 can not',
    ],
    [
      ask({ text: 'x' }, { inlineData: { mimeType: 'image/png', data: '!' } }),
      'request.contents[0].parts[1].inlineData.data: expected base64',
    ],
    [
      ask({ fileData: { mimeType: 'image/png', fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/x' } }),
      'request.contents[0].parts[0].fileData.fileUri: only Gemini',
    ],
    [
      ask({ file_data: { file_uri: 'gs://a/b', mime_type: 'image/png' } }),
      'request.contents[0].parts[0].file_data.file_uri: only Gemini',
    ],
    [ask({ fileData: { fileUri: 'https://x.example/a' } }), 'request.contents[0].parts[0].fileData.mimeType: is missing'],
    [
      { contents: [...contents, call({ id: 'a', name: 'f' }), respond({ id: 'b', name: 'f', response: {} })] },
      'request.contents[2].parts[0].functionResponse: answers no call',
    ],
    [
      { contents: [...contents, call({ name: 'f' }), respond({ name: 'f' }, { name: 'f' })] },
      'request.contents[2].parts[1].functionResponse: answers no call',
    ],
    [
      { contents: [...contents, call({ name: 'f' }), respond({ name: 'f', parts: [] })] },
      'request.contents[2].parts[0].functionResponse.parts: can not',
    ],
    [
      { contents: [...contents, call({ name: 'f', args: 'x' })] },
      'request.contents[1].parts[0].functionCall.args: expected an object',
    ],
  ])('%j', (request, message) => {
    expect(() => translate(request)).toThrow(message)
  })
})
