import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import { batchRequest, simulatedWorkspaces } from '../testing/simulated-workspace.ts'

const simulatedWorkspace = simulatedWorkspaces(Anthropic)

describe('what is wrong with params comes out at the end', () => {
  const schema = { type: 'object', properties: { score: { type: 'number', minimum: 0, maximum: 1 } } }
  const cases: [string, Record<string, unknown>, string][] = [
    ['no max_tokens', { max_tokens: undefined }, 'max_tokens: Field required'],
    ['no messages', { messages: undefined }, 'messages: Field required'],
    ['no model', { model: undefined }, 'model: Field required'],
    ['empty messages', { messages: [] }, 'messages: at least one message is required'],
    ['streaming', { stream: true }, '"stream=True" is not supported in the Message Batches API'],
    ['speed', { speed: 'fast' }, '"speed" is not supported in the Message Batches API'],
    ['max_tokens 0', { max_tokens: 0 }, 'max_tokens: must be greater than or equal to 1'],
    ['sampling', { temperature: 1 }, 'temperature: Extra inputs are not permitted'],
    [
      'too many max_tokens',
      { max_tokens: 9_999_999 },
      'max_tokens: 9999999 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5',
    ],
    [
      'a schema',
      { output_config: { format: { type: 'json_schema', schema } } },
      "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
    ],
  ]
  it.each(cases)('%s', async (_name, more, message) => {
    await using workspace = await simulatedWorkspace()
    const batch = await workspace.run([batchRequest('a', 'A', more), batchRequest('b', 'B')])
    expect(batch.request_counts).toMatchObject({ succeeded: 1, errored: 1 })
    const line = (await workspace.results(batch.id)).find(({ custom_id }) => custom_id === 'a')
    expect(line?.result).toEqual({
      type: 'errored',
      error: { type: 'error', error: { type: 'invalid_request_error', message }, request_id: null },
    })
    expect((await workspace.control.books()).billed.batch.requests).toBe(1)
  })

  it('by the API version of the create', async () => {
    await using workspace = await simulatedWorkspace()
    const older = new Anthropic({
      apiKey: 'sk-test',
      baseURL: workspace.simulator.baseUrls.anthropic,
      defaultHeaders: { 'anthropic-version': '2023-06-01' },
      maxRetries: 0,
    })
    const { id } = await older.messages.batches.create({ requests: [batchRequest('a', 'A', { temperature: 0.2 })] })
    expect((await workspace.wait(id)).request_counts.succeeded).toBe(1)
  })
})
