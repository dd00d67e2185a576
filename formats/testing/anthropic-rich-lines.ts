import type { JsonObject } from '../../core/json.ts'
import { pdf, png, schema, type RichLine } from './rich-line.ts'

const cached = { cache_control: { type: 'ephemeral' } }

const anthropic = (params: JsonObject): JsonObject => ({
  params: { model: 'claude', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], ...params },
})

const ofAnthropic = { targets: ['openai', 'gemini'] as const, passedOn: [], leftOut: [] }

export const anthropicLines: readonly RichLine[] = [
  {
    ...ofAnthropic,
    name: 'Anthropic',
    line: anthropic({
      system: [{ type: 'text', text: 'S', ...cached }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look', ...cached },
            { type: 'image', source: { type: 'url', url: png }, ...cached },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
            { type: 'document', title: 'T', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' } },
            { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' }, citations: { enabled: false } },
            { type: 'document', source: { type: 'url', url: pdf }, ...cached },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 't', signature: 's' },
            { type: 'redacted_thinking', data: 'd' },
            { type: 'text', text: 'A', citations: [{}] },
            { type: 'tool_use', id: 'a', name: 'f', input: { n: 1 }, caller: { type: 'direct' }, ...cached },
            // As an answer has them.
            { type: 'tool_use', id: 'b', name: 'f', input: {}, caller: { type: 'direct' }, toolset_name: null },
            { type: 'text', text: 'B', citations: null },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'a',
              is_error: true,
              content: [{ type: 'text', text: 'one', ...cached }],
              ...cached,
            },
            { type: 'tool_result', tool_use_id: 'b', is_error: true, content: 'two' },
          ],
        },
      ],
      temperature: 0.5,
      top_p: 0.5,
      top_k: 3,
      stop_sequences: ['x'],
      stream: false,
      tools: [
        {
          type: 'custom',
          name: 'f',
          description: 'F',
          input_schema: schema,
          strict: true,
          eager_input_streaming: true,
          ...cached,
          defer_loading: false,
          allowed_callers: ['direct'],
        },
      ],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      output_config: { effort: 'low', format: { type: 'json_schema', schema } },
      metadata: { user_id: 'u' },
      service_tier: 'auto',
      diagnostics: {},
      ...cached,
    }),
    passedOn: [
      'params.messages[1].content[3].input',
      'params.messages[1].content[4].input',
      'params.tools[0].input_schema',
      'params.output_config.format.schema',
    ],
    leftOut: ['cache_control', 'params.messages[1].content[2].citations[0]', 'params.metadata', 'params.diagnostics'],
  },
  {
    ...ofAnthropic,
    name: 'Anthropic, with thinking',
    line: anthropic({ thinking: { type: 'enabled', budget_tokens: 9_000, display: 'omitted' } }),
  },
  {
    ...ofAnthropic,
    name: 'Anthropic, without thinking',
    line: anthropic({ thinking: { type: 'disabled', display: 'omitted' }, output_config: { effort: 'high' } }),
  },
  {
    ...ofAnthropic,
    name: 'Anthropic, with the older name of a format',
    line: anthropic({ thinking: { type: 'adaptive', display: 'omitted' }, output_format: { type: 'json_schema', schema } }),
    passedOn: ['params.output_format.schema'],
  },
]
