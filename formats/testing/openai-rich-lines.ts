import type { Json, JsonObject } from '../../core/json.ts'
import { pdf, png, schema, type RichLine } from './rich-line.ts'

const breakpoint = { prompt_cache_breakpoint: { mode: 'explicit' } }

/** Nobody looks at what is in these. */
const scalars = (...names: string[]): JsonObject => Object.fromEntries(names.map((name) => [name, 1]))

const chat = (body: JsonObject, ...others: Json[]): JsonObject => ({
  url: '/v1/chat/completions',
  body: { model: 'gpt', messages: [{ role: 'user', content: 'Hi' }, ...others], ...body },
})

const responses = (body: JsonObject): JsonObject => ({ url: '/v1/responses', body: { model: 'gpt', ...body } })

const ofOpenAi = { targets: ['anthropic', 'gemini'] as const, passedOn: [], leftOut: [] }

const ofChat: RichLine[] = [
  {
    ...ofOpenAi,
    name: 'chat',
    line: chat(
      {
        max_completion_tokens: 9,
        temperature: 0.5,
        top_p: 0.5,
        stop: ['x'],
        reasoning_effort: 'low',
        tools: [{ type: 'function', function: { name: 'f', description: 'F', parameters: schema, strict: true } }],
        tool_choice: 'auto',
        response_format: { type: 'json_schema', json_schema: { name: 'n', description: 'D', strict: true, schema } },
        n: 1,
        stream: false,
        logprobs: false,
        modalities: ['text'],
        metadata: { a: 'b' },
        ...scalars(
          'frequency_penalty',
          'logit_bias',
          'moderation',
          'parallel_tool_calls',
          'presence_penalty',
          'prompt_cache_key',
          'prompt_cache_options',
          'prompt_cache_retention',
          'safety_identifier',
          'seed',
          'service_tier',
          'store',
          'stream_options',
          'user',
          'verbosity',
        ),
      },
      { role: 'developer', content: [{ type: 'text', text: 'S', ...breakpoint }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look', ...breakpoint },
          { type: 'image_url', image_url: { url: png, detail: 'low' }, ...breakpoint },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' }, ...breakpoint },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'A', ...breakpoint },
          { type: 'refusal', refusal: 'No', ...breakpoint },
        ],
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"n":1}' } }],
      },
      { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'one', ...breakpoint }] },
      // As answers are in a history.
      {
        role: 'assistant',
        content: 'A',
        refusal: null,
        annotations: [{ type: 'url_citation', url_citation: {} }],
        audio: null,
        function_call: null,
        tool_calls: [],
      },
      { role: 'user', content: 'Why?' },
      { role: 'assistant', content: null, refusal: 'No.', annotations: [], audio: null, function_call: null },
      { role: 'user', content: 'Go on' },
    ),
    passedOn: ['body.tools[0].function.parameters', 'body.response_format.json_schema.schema'],
    leftOut: ['body.metadata', 'prompt_cache_breakpoint', 'body.messages[5].annotations[0]'],
  },
  { ...ofOpenAi, name: 'chat, for a text', line: chat({ response_format: { type: 'text' }, max_tokens: 9 }) },
]

const ofResponses: RichLine[] = [
  {
    ...ofOpenAi,
    name: 'responses',
    line: responses({
      instructions: 'S',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look', ...breakpoint },
            { type: 'input_image', image_url: png, detail: 'low', ...breakpoint },
            {
              type: 'input_file',
              filename: 'a.pdf',
              file_data: 'data:application/pdf;base64,aGk=',
              detail: 'low',
              ...breakpoint,
            },
            { type: 'input_file', file_url: pdf },
          ],
        },
        { type: 'reasoning', id: 'r', status: 'completed', summary: [{}], content: [{}], encrypted_content: 'x' },
        {
          type: 'message',
          id: 'm',
          status: 'completed',
          phase: 'commentary',
          role: 'assistant',
          content: [
            { type: 'output_text', text: 'A', annotations: [{}], logprobs: [{}], ...breakpoint },
            { type: 'refusal', refusal: 'No', ...breakpoint },
          ],
        },
        {
          type: 'function_call',
          id: 'c',
          status: 'completed',
          call_id: 'a',
          name: 'f',
          arguments: '{"n":1}',
          caller: { type: 'direct' },
        },
        { type: 'function_call', call_id: 'b', name: 'f', async: false },
        { type: 'function_call_output', call_id: 'a', name: 'f', output: 'one', caller: { type: 'direct' } },
        { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'two', ...breakpoint }] },
      ],
      max_output_tokens: 9,
      temperature: 0.5,
      top_p: 0.5,
      top_logprobs: 0,
      stream: false,
      text: { verbosity: 'low', format: { type: 'json_schema', name: 'n', description: 'D', strict: true, schema } },
      reasoning: { effort: 'low', summary: 'auto', generate_summary: 'auto', context: 'auto', mode: 'standard' },
      tools: [
        { type: 'function', name: 'f', description: 'F', parameters: schema, strict: true, async: false, defer_loading: false },
      ],
      tool_choice: 'auto',
      metadata: { a: 'b' },
      ...scalars(
        'background',
        'include',
        'max_tool_calls',
        'moderation',
        'parallel_tool_calls',
        'prompt_cache_key',
        'prompt_cache_options',
        'prompt_cache_retention',
        'safety_identifier',
        'service_tier',
        'store',
        'stream_options',
        'truncation',
        'user',
      ),
    }),
    passedOn: ['body.text.format.schema', 'body.tools[0].parameters'],
    leftOut: [
      'body.metadata',
      'prompt_cache_breakpoint',
      'body.input[1].summary[0]',
      'body.input[1].content[0]',
      'body.input[2].content[0].annotations[0]',
      'body.input[2].content[0].logprobs[0]',
    ],
  },
  { ...ofOpenAi, name: 'responses, for a text', line: responses({ input: 'Hi', text: { format: { type: 'text' } } }) },
]

export const openAiLines: readonly RichLine[] = [
  ...ofChat,
  ...ofResponses,
  {
    ...ofOpenAi,
    name: 'embeddings',
    targets: ['gemini'],
    line: { url: '/v1/embeddings', body: { model: 'e', input: 'x', dimensions: 8, encoding_format: 'float', user: 'u' } },
  },
]
