import type { JsonObject } from '../../core/json.ts'
import { pdf, png, schema, type RichLine } from './rich-line.ts'

/** What may be beside the data of any part. */
const beside = { thoughtSignature: 's', partMetadata: { a: 1 }, mediaResolution: { level: 'MEDIA_RESOLUTION_LOW' } }

const gemini = (request: JsonObject): JsonObject => ({ request: { contents: [{ parts: [{ text: 'Hi' }] }], ...request } })
const generationConfig = (config: JsonObject): JsonObject => gemini({ generationConfig: config })

const ofGemini = { targets: ['openai', 'anthropic'] as const, passedOn: [], leftOut: [] }

export const geminiLines: readonly RichLine[] = [
  {
    ...ofGemini,
    name: 'Gemini',
    line: gemini({
      model: 'models/gemini',
      systemInstruction: { role: 'user', parts: [{ text: 'S', ...beside }] },
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'Look', ...beside },
            { inlineData: { mimeType: 'image/png', data: 'aGk=', displayName: 'a.png' }, ...beside },
            { inlineData: { mimeType: 'application/pdf', data: 'aGk=', displayName: 'a.pdf' } },
            { fileData: { mimeType: 'image/png', fileUri: png, displayName: 'b.png' }, ...beside },
            { fileData: { mimeType: 'application/pdf', fileUri: pdf, displayName: 'b.pdf' } },
          ],
        },
        {
          role: 'model',
          parts: [
            { thought: true, text: 't', thoughtSignature: 's' },
            { text: 'A', thought: false, ...beside },
            { functionCall: { id: 'a', name: 'f', args: { n: 1 } }, thought: false, ...beside },
            { text: 'B' },
            { text: '', thoughtSignature: 's' },
          ],
        },
        {
          role: 'user',
          parts: [{ functionResponse: { id: 'a', name: 'f', response: { result: 'one' }, willContinue: false }, ...beside }],
        },
      ],
      tools: [
        {
          functionDeclarations: [
            {
              name: 'f',
              description: 'F',
              behavior: 'BLOCKING',
              parameters: { type: 'OBJECT', properties: { a: { type: 'STRING' } } },
            },
            { name: 'g', parametersJsonSchema: schema },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: 'AUTO', streamFunctionCallArguments: false } },
      generationConfig: {
        maxOutputTokens: 9,
        temperature: 0.5,
        topP: 0.5,
        topK: 3,
        seed: 1,
        presencePenalty: 0.5,
        frequencyPenalty: 0.5,
        mediaResolution: 'MEDIA_RESOLUTION_LOW',
        enableEnhancedCivicAnswers: true,
        stopSequences: ['x'],
        candidateCount: 1,
        responseLogprobs: false,
        responseModalities: ['TEXT'],
        thinkingConfig: { thinkingLevel: 'LOW', includeThoughts: true },
        responseMimeType: 'application/json',
        responseSchema: {
          type: 'OBJECT',
          properties: { a: { type: 'ARRAY', items: { anyOf: [{ type: 'STRING', nullable: true }, { type: 'INTEGER' }] } } },
        },
      },
      safetySettings: [{}],
      labels: { a: 'b' },
      serviceTier: 'standard',
      store: false,
    }),
    passedOn: [
      'request.contents[1].parts[2].functionCall.args',
      'request.contents[2].parts[0].functionResponse.response',
      'request.tools[0].functionDeclarations[1].parametersJsonSchema',
    ],
    leftOut: ['partMetadata', 'mediaResolution', 'request.safetySettings[0]', 'request.labels'],
  },
  {
    ...ofGemini,
    name: 'Gemini, written like_this',
    line: {
      request: {
        system_instruction: { parts: [{ text: 'S' }] },
        contents: [
          { parts: [{ inline_data: { mime_type: 'image/png', data: 'aGk=' } }, { file_data: { file_uri: png } }] },
          { role: 'model', parts: [{ function_call: { name: 'f' } }] },
          { role: 'function', parts: [{ function_response: { name: 'f' } }] },
        ],
        tools: [{ function_declarations: [{ name: 'f' }] }],
        tool_config: { function_calling_config: { mode: 'AUTO' } },
        generation_config: { thinking_config: { thinking_budget: 9_000 } },
      },
    },
  },
  {
    ...ofGemini,
    name: 'Gemini, with the newest name of a format',
    line: generationConfig({ responseFormat: [{ text: { mimeType: 'application/json', schema } }] }),
    passedOn: ['request.generationConfig.responseFormat[0].text.schema'],
  },
  {
    ...ofGemini,
    name: 'Gemini, with another name of a format',
    line: generationConfig({ responseMimeType: 'application/json', responseJsonSchema: schema }),
    passedOn: ['request.generationConfig.responseJsonSchema'],
  },
  {
    ...ofGemini,
    name: 'Gemini’s embeddings',
    targets: ['openai'],
    line: {
      request: {
        model: 'models/e',
        content: { role: 'user', parts: [{ text: 'x' }] },
        outputDimensionality: 8,
        autoTruncate: true,
      },
    },
  },
]
