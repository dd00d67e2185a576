import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { simulatedProjects } from '../testing/simulated-project.ts'
import { answerFor, promptFingerprint } from './answer.ts'

const simulatedProject = simulatedProjects(OpenAI)

const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'What is a batch?' },
]
const schema = {
  type: 'object',
  properties: { label: { enum: ['a', 'b'] }, score: { type: 'number', minimum: 0, maximum: 1 }, note: { type: 'string' } },
  required: ['label', 'score', 'note'],
  additionalProperties: false,
}

describe('chat completions', () => {
  it('answer the same prompt with the same text, and its fingerprint', async () => {
    await using project = await simulatedProject()
    const ask = async (): Promise<string> =>
      (await project.client.chat.completions.create({ model: 'gpt-4o-mini', messages })).choices[0]?.message.content ?? ''
    const text = await ask()
    expect(await ask()).toBe(text)
    expect(text).toContain(`[sim:${promptFingerprint('/v1/chat/completions', { messages })}]`)
    const body = answerFor('/v1/chat/completions', { model: 'gpt-4o-mini', messages })
    expect('choices' in body && body.choices[0]?.message.content).toBe(text)
  })

  it('stream the same text in pieces, with usage when it is asked for', async () => {
    await using project = await simulatedProject()
    const whole = await project.client.chat.completions.create({ model: 'gpt-4o-mini', messages })
    const stream = await project.client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let last: OpenAI.ChatCompletionChunk | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      last = chunk
    }
    expect(text).toBe(whole.choices[0]?.message.content)
    expect(last?.usage).toEqual(whole.usage)
  })

  it('fit a JSON schema, with the fingerprint in their free text', async () => {
    await using project = await simulatedProject()
    const completion = await project.client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } },
    })
    const value: unknown = JSON.parse(completion.choices[0]?.message.content ?? '')
    expect(z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).parse(value)).toHaveProperty(
      'note',
      expect.stringContaining('[sim:'),
    )
  })

  it('call a tool when they are forced to', async () => {
    await using project = await simulatedProject()
    const completion = await project.client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages,
      tools: [{ type: 'function', function: { name: 'label', parameters: schema } }],
      tool_choice: { type: 'function', function: { name: 'label' } },
    })
    const call = completion.choices[0]?.message.tool_calls?.[0]
    expect(completion.choices[0]?.finish_reason).toBe('tool_calls')
    expect(call?.type === 'function' && (JSON.parse(call.function.arguments) as object)).toHaveProperty('label')
  })

  it('stop at max_tokens', async () => {
    await using project = await simulatedProject()
    const completion = await project.client.chat.completions.create({ model: 'gpt-4o-mini', messages, max_tokens: 5 })
    expect(completion.choices[0]).toMatchObject({ finish_reason: 'length' })
    expect(completion.usage?.completion_tokens).toBe(5)
    expect(completion.choices[0]?.message.content).toHaveLength(20)
  })

  it('refuse parameters that a reasoning model does not take', async () => {
    await using project = await simulatedProject()
    const ask = (parameters: object): Promise<unknown> =>
      project.client.chat.completions.create({ model: 'gpt-5-mini', messages, ...parameters })
    await expect(ask({ temperature: 0.2 })).rejects.toMatchObject({
      status: 400,
      param: 'temperature',
      code: 'unsupported_value',
    })
    await expect(ask({ max_tokens: 50 })).rejects.toMatchObject({
      status: 400,
      param: 'max_tokens',
      code: 'unsupported_parameter',
    })
    await expect(ask({ max_completion_tokens: 500 })).resolves.toHaveProperty(
      'usage.completion_tokens_details.reasoning_tokens',
      expect.any(Number),
    )
  })

  it('refuse unknown models when told to', async () => {
    await using project = await simulatedProject({ refuse_unknown_models: true })
    await expect(project.client.chat.completions.create({ model: 'gpt-99', messages })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
    expect((await project.client.models.list()).data.map(({ id }) => id)).toContain('gpt-4o-mini')
    expect((await project.client.models.retrieve('gpt-4o')).id).toBe('gpt-4o')
  })
})

describe('responses', () => {
  it('have text, JSON that fits a schema, and usage', async () => {
    await using project = await simulatedProject()
    const plain = await project.client.responses.create({
      model: 'gpt-4o-mini',
      instructions: 'Be brief.',
      input: 'What is a batch?',
    })
    expect(plain.output_text).toContain(`[sim:${promptFingerprint('/v1/chat/completions', { messages })}]`)
    expect(plain.usage?.total_tokens).toBe((plain.usage?.input_tokens ?? 0) + (plain.usage?.output_tokens ?? 0))
    const json = await project.client.responses.create({
      model: 'gpt-4o-mini',
      input: 'x',
      text: { format: { type: 'json_schema', name: 'x', schema } },
    })
    expect(JSON.parse(json.output_text)).toHaveProperty('score')
  })

  it('are incomplete at max_output_tokens, and can call tools', async () => {
    await using project = await simulatedProject()
    const cut = await project.client.responses.create({ model: 'gpt-4o-mini', input: 'x', max_output_tokens: 16 })
    expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    const called = await project.client.responses.create({
      model: 'gpt-4o-mini',
      input: 'x',
      tools: [{ type: 'function', name: 'label', parameters: schema, strict: true }],
      tool_choice: 'required',
    })
    expect(called.output).toMatchObject([{ type: 'function_call', name: 'label', arguments: expect.stringContaining('score') }])
  })
})

describe('embeddings', () => {
  it('are unit vectors that depend on the text, through the base64 that the SDK asks for and as floats', async () => {
    await using project = await simulatedProject()
    const { data, usage } = await project.client.embeddings.create({
      model: 'text-embedding-3-small',
      input: ['one', 'two', 'one'],
      dimensions: 64,
    })
    const [one, two, same] = data.map(({ embedding }) => embedding)
    expect(one).toHaveLength(64)
    expect(same).toEqual(one)
    expect(two).not.toEqual(one)
    expect(Math.hypot(...(one ?? []))).toBeCloseTo(1, 5)
    expect(usage.total_tokens).toBe(3)
    const floats = await project.client.embeddings.create({
      model: 'text-embedding-3-small',
      input: 'one',
      dimensions: 64,
      encoding_format: 'float',
    })
    floats.data[0]?.embedding.forEach((value, index) => expect(value).toBeCloseTo(one?.[index] ?? 0, 6))
  })

  it('are served in batches, too', async () => {
    await using project = await simulatedProject()
    const line = JSON.stringify({
      custom_id: 'a',
      method: 'POST',
      url: '/v1/embeddings',
      body: { model: 'text-embedding-3-small', input: 'x', dimensions: 8 },
    })
    const batch = await project.run([line], '/v1/embeddings')
    expect(batch.request_counts).toEqual({ total: 1, completed: 1, failed: 0 })
    expect((await project.results(batch.output_file_id))[0]?.response?.body['data']).toMatchObject([
      { object: 'embedding', index: 0 },
    ])
  })
})
