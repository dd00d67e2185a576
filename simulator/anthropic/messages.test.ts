import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { promptFingerprint } from '../openai/answer.ts'
import { messageParams, messageText, simulatedWorkspaces, type SimulatedWorkspace } from '../testing/simulated-workspace.ts'
import { anthropicAnswerFor, anthropicPromptFingerprint } from './answer.ts'

const simulatedWorkspace = simulatedWorkspaces(Anthropic)

const ask = (workspace: SimulatedWorkspace, more: Record<string, unknown> = {}): Promise<Anthropic.Message> =>
  workspace.client.messages.create(messageParams('What is a batch?', more))

const schema = {
  type: 'object',
  properties: { label: { enum: ['a', 'b'] }, score: { type: 'number' }, note: { type: 'string' } },
  required: ['label', 'score', 'note'],
  additionalProperties: false,
}

describe('messages', () => {
  it('answer the same prompt with the same text, and its fingerprint, which is OpenAI’s, too', async () => {
    await using workspace = await simulatedWorkspace()
    const params = { ...messageParams('What is a batch?'), system: 'Be brief.' }
    const message = await workspace.client.messages.create(params)
    expect(messageText(message)).toBe(messageText(await workspace.client.messages.create(params)))
    expect(messageText(message)).toContain(`[sim:${anthropicPromptFingerprint(params)}]`)
    expect(message.content).toEqual(anthropicAnswerFor(params).content)
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      stop_reason: 'end_turn',
      usage: { service_tier: 'standard' },
    })
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'What is a batch?' },
    ]
    expect(anthropicPromptFingerprint(params)).toBe(promptFingerprint('/v1/chat/completions', { messages }))
    expect(anthropicPromptFingerprint({ ...params, system: [{ type: 'text', text: 'Be brief.' }] })).toBe(
      anthropicPromptFingerprint(params),
    )
  })

  it('fit a JSON schema, as the SDK parses it', async () => {
    await using workspace = await simulatedWorkspace()
    const message = await ask(workspace, { output_config: { format: { type: 'json_schema', schema } } })
    const value: unknown = JSON.parse(messageText(message))
    expect(z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).parse(value)).toHaveProperty(
      'note',
      expect.stringContaining('[sim:'),
    )
    const older = await ask(workspace, { output_format: { type: 'json_schema', schema } })
    expect(messageText(older)).toBe(messageText(message))
  })

  it('call a tool when they are forced to', async () => {
    await using workspace = await simulatedWorkspace()
    const tools = [{ name: 'label', input_schema: schema }]
    for (const tool_choice of [{ type: 'tool', name: 'label' }, { type: 'any' }]) {
      const message = await ask(workspace, { tools, tool_choice })
      expect(message.stop_reason).toBe('tool_use')
      expect(message.content).toMatchObject([{ type: 'tool_use', name: 'label', input: { label: expect.any(String) } }])
    }
    expect((await ask(workspace, { tools, tool_choice: { type: 'auto' } })).stop_reason).toBe('end_turn')
  })

  it('stop at max_tokens and at a stop sequence', async () => {
    await using workspace = await simulatedWorkspace()
    const cut = await ask(workspace, { max_tokens: 5 })
    expect(cut).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 5 } })
    expect(messageText(cut)).toHaveLength(20)
    const stopped = await ask(workspace, { stop_sequences: ['nowhere', '“What'] })
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: '“What' })
    expect(messageText(stopped)).not.toContain('What')
  })

  it('begin with a thinking block where the model thinks, asked or not', async () => {
    await using workspace = await simulatedWorkspace()
    const types = async (more: Record<string, unknown>): Promise<string[]> =>
      (await ask(workspace, more)).content.map(({ type }) => type)
    expect(await types({})).toEqual(['text'])
    expect(await types({ thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 4000 })).toEqual(['thinking', 'text'])
    expect(await types({ model: 'claude-sonnet-5-5' })).toEqual(['thinking', 'text'])
    expect(await types({ model: 'claude-sonnet-5-5', thinking: { type: 'disabled' } })).toEqual(['text'])
    const shown = await ask(workspace, { model: 'claude-opus-5-5', thinking: { type: 'adaptive', display: 'summarized' } })
    expect(shown.content[0]).toMatchObject({
      type: 'thinking',
      thinking: expect.stringContaining('think'),
      signature: expect.any(String),
    })
    const thinking = shown.usage.output_tokens_details?.thinking_tokens ?? 0
    expect(thinking).toBeGreaterThan(0)
    expect(shown.usage.output_tokens).toBeGreaterThan(thinking)
  })

  it.each([{}, { model: 'claude-opus-5-5', thinking: { type: 'adaptive', display: 'summarized' } }])(
    'stream the same message in pieces',
    async (more) => {
      await using workspace = await simulatedWorkspace()
      const whole = await ask(workspace, more)
      const stream = workspace.client.messages.stream(messageParams('What is a batch?', more))
      let pieces = 0
      stream.on('text', () => pieces++)
      const final = await stream.finalMessage()
      expect(messageText(final)).toBe(messageText(whole))
      expect(final).toMatchObject({ stop_reason: 'end_turn', usage: { output_tokens: whole.usage.output_tokens } })
      expect(pieces).toBeGreaterThan(3)
    },
  )

  it('stream a tool call', async () => {
    await using workspace = await simulatedWorkspace()
    const more = { tools: [{ name: 'label', input_schema: schema }], tool_choice: { type: 'any' } }
    const whole = await ask(workspace, more)
    const final = await workspace.client.messages.stream(messageParams('What is a batch?', more)).finalMessage()
    expect(final.content).toMatchObject([{ input: whole.content[0]?.type === 'tool_use' ? whole.content[0].input : null }])
  })

  it('use a cache: the first takes the prefix in, the next reads it', async () => {
    await using workspace = await simulatedWorkspace()
    const system = [{ type: 'text', text: 'A long instruction. '.repeat(400), cache_control: { type: 'ephemeral' } }]
    const [first, second, other] = [await ask(workspace, { system }), await ask(workspace, { system }), await ask(workspace)]
    const written = first.usage.cache_creation_input_tokens ?? 0
    expect(written).toBeGreaterThan(1024)
    expect(first.usage).toMatchObject({ cache_read_input_tokens: 0, cache_creation: { ephemeral_5m_input_tokens: written } })
    expect(second.usage).toMatchObject({ cache_creation_input_tokens: 0, cache_read_input_tokens: written })
    expect(first.usage.input_tokens).toBe(second.usage.input_tokens)
    expect(other.usage).toMatchObject({ cache_creation_input_tokens: 0, cache_read_input_tokens: 0 })
    const costs = (await Array.fromAsync(workspace.control.requests())).map(({ cost_nano_usd }) => BigInt(cost_nano_usd))
    // claude-haiku-4-5: 1,000 nano-dollars a token, 1,250 to write it, 100 to read it.
    expect((costs[0] ?? 0n) - (costs[1] ?? 0n)).toBe(1150n * BigInt(written))
  })

  const refused: [string, Record<string, unknown>, string][] = [
    ['sampling', { temperature: 1 }, 'temperature: Extra inputs are not permitted'],
    [
      'thinking that can not be turned off',
      { model: 'claude-opus-5-5', thinking: { type: 'disabled' } },
      '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    ],
    [
      'a budget for a model that takes none',
      { model: 'claude-sonnet-5', thinking: { type: 'enabled', budget_tokens: 1024 } },
      '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    ],
    [
      'a budget above max_tokens',
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      '`max_tokens` must be greater than `thinking.budget_tokens`.',
    ],
    [
      'a forced tool',
      { model: 'claude-fable-5-1', tools: [{ name: 'x', input_schema: { type: 'object' } }], tool_choice: { type: 'any' } },
      'tool_choice: type "tool" and "any" are not supported for this model.',
    ],
    [
      'a prefill',
      {
        model: 'claude-sonnet-5-5',
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: '{' },
        ],
      },
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    ],
    [
      'limits in a schema',
      {
        output_config: {
          format: {
            type: 'json_schema',
            schema: { ...schema, properties: { score: { type: 'integer', minimum: 0, maximum: 5 } } },
          },
        },
      },
      "output_config.format.schema: For 'integer' type, properties maximum, minimum are not supported",
    ],
    [
      'a long list in the schema of a strict tool',
      {
        tools: [
          {
            name: 'x',
            strict: true,
            input_schema: { ...schema, properties: { list: { type: 'array', minItems: 2, items: { type: 'string' } } } },
          },
        ],
      },
      "tools.0.custom.input_schema: For 'array' type, 'minItems' values other than 0 or 1 are not supported",
    ],
  ]
  it.each(refused)('refuse %s, unless told to be lenient', async (_name, more, message) => {
    await using workspace = await simulatedWorkspace()
    await expect(ask(workspace, more)).rejects.toMatchObject({ status: 400, type: 'invalid_request_error', apiMessage: message })
    await workspace.control.setOptions({ strict_parameters: false })
    expect((await ask(workspace, more)).type).toBe('message')
  })

  it('refuse a body that is no JSON, and one above 32 MB', async () => {
    await using workspace = await simulatedWorkspace()
    const post = (body: string): Promise<unknown> =>
      workspace.client.post('/v1/messages', { body, headers: { 'content-type': 'application/json' } })
    await expect(post('{')).rejects.toMatchObject({ status: 400, type: 'invalid_request_error' })
    await expect(post(`"${'x'.repeat(33 << 20)}"`)).rejects.toMatchObject({ status: 413, type: 'request_too_large' })
  })
})

describe('counting tokens', () => {
  it('gives what a message is billed for', async () => {
    await using workspace = await simulatedWorkspace()
    const { model, messages } = messageParams('What is a batch?')
    const { input_tokens: counted } = await workspace.client.messages.countTokens({ model, messages })
    expect(counted).toBe((await ask(workspace)).usage.input_tokens)
    await expect(workspace.client.messages.countTokens({ model, messages: [] })).rejects.toMatchObject({ status: 400 })
    expect((await workspace.control.books()).billed.realtime.requests).toBe(1)
  })
})

describe('models', () => {
  it('are listed and found', async () => {
    await using workspace = await simulatedWorkspace({ refuse_unknown_models: true })
    const ids: string[] = []
    for await (const { id } of workspace.client.models.list({ limit: 5 })) ids.push(id)
    expect(ids).toContain('claude-opus-5-5')
    expect((await workspace.client.models.retrieve('claude-haiku-4-5')).type).toBe('model')
    await expect(ask(workspace, { model: 'claude-9' })).rejects.toMatchObject({ status: 404, apiMessage: 'model: claude-9' })
    expect((await ask(workspace, { model: 'claude-haiku-4-5-20251001' })).model).toBe('claude-haiku-4-5-20251001')
  })
})
