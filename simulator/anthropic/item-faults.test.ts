import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import { itemFaultKinds } from '../item-faults.ts'
import {
  answerText,
  batchRequest,
  batchRequests,
  messageParams,
  messageText,
  simulatedWorkspaces,
  type SimulatedWorkspace,
} from '../testing/simulated-workspace.ts'
import type { ResultLine } from './wire.ts'

const simulatedWorkspace = simulatedWorkspaces(Anthropic)

const schema = { type: 'object', properties: { label: { type: 'string' } }, required: ['label'], additionalProperties: false }
const asked = { output_config: { format: { type: 'json_schema', schema } } }

const resultOf = async (
  workspace: SimulatedWorkspace,
  batchId: string,
  customId: string,
): Promise<ResultLine['result'] | undefined> =>
  (await workspace.results(batchId)).find(({ custom_id }) => custom_id === customId)?.result

describe('item faults in a batch', () => {
  const errors: [string, string][] = [
    ['transient', 'api_error'],
    ['status_zero', 'api_error'],
    ['rate_limited', 'rate_limit_error'],
    ['overloaded', 'overloaded_error'],
    ['invalid_request', 'invalid_request_error'],
    ['auth', 'authentication_error'],
  ]
  it.each(errors)('%s: an errored line', async (kind, type) => {
    await using workspace = await simulatedWorkspace()
    const batch = await workspace.run([batchRequest('a', `Hello [[simulate:${kind}]]`), batchRequest('b', 'Hello')])
    expect(batch.request_counts).toMatchObject({ succeeded: 1, errored: 1 })
    expect(await resultOf(workspace, batch.id, 'a')).toMatchObject({ type: 'errored', error: { type: 'error', error: { type } } })
    expect((await workspace.control.books()).billed.batch.requests).toBe(1)
  })

  it('expired: a line of its own kind, not charged', async () => {
    await using workspace = await simulatedWorkspace()
    const batch = await workspace.run([batchRequest('a', 'Hello [[simulate:expired]]')])
    expect(batch.request_counts).toMatchObject({ succeeded: 0, expired: 1 })
    expect(await resultOf(workspace, batch.id, 'a')).toEqual({ type: 'expired' })
    expect((await workspace.control.books()).billed.batch.requests).toBe(0)
  })

  const answers: [string, object][] = [
    ['truncated', { stop_reason: 'max_tokens', content: [{ type: 'text' }] }],
    ['content_filter', { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'general_harms' } }],
    ['refusal', { stop_reason: 'refusal', content: [], stop_details: { type: 'refusal', category: null } }],
  ]
  it.each(answers)('%s: an answer that is charged', async (kind, message) => {
    await using workspace = await simulatedWorkspace()
    const batch = await workspace.run([batchRequest('a', `Hello [[simulate:${kind}]]`)])
    expect(await resultOf(workspace, batch.id, 'a')).toMatchObject({ type: 'succeeded', message })
    expect((await workspace.control.books()).billed.batch.requests).toBe(1)
  })

  it('missing: no line at all, yet charged and counted', async () => {
    await using workspace = await simulatedWorkspace()
    const batch = await workspace.run([batchRequest('a', 'Hello [[simulate:missing]]')])
    expect(batch.request_counts).toMatchObject({ succeeded: 1 })
    expect((await workspace.rawResults(batch.id)).length).toBe(0)
    expect((await workspace.control.books()).batches).toMatchObject([{ billed_requests: 1, delivered_requests: 0 }])
  })

  it.each(['prose', 'invalid_json', 'wrong_schema', 'fence'])('invalid_output as %s', async (variant) => {
    await using workspace = await simulatedWorkspace()
    const prompt = `Label this [[simulate:invalid_output variant=${variant}]]`
    const batch = await workspace.run([batchRequest('a', prompt, asked)])
    const text = answerText((await workspace.results(batch.id))[0])
    if (variant === 'fence') expect(JSON.parse(/```json\n(.*)\n```/s.exec(text)?.[1] ?? '')).toHaveProperty('label')
    else if (variant === 'wrong_schema') expect(JSON.parse(text)).not.toHaveProperty('label')
    else expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
  })

  it('picks the same prompts whatever their custom_ids are, and lets them succeed after their attempts', async () => {
    await using workspace = await simulatedWorkspace({ faults: ['items:transient:rate=0.3,first_attempts=2'] })
    const failed: string[][] = []
    for (const prefix of ['x', 'y', 'z']) {
      const requests = batchRequests(30).map((request, index) => ({ ...request, custom_id: `${prefix}-${index}` }))
      const lines = await workspace.results((await workspace.run(requests)).id)
      failed.push(lines.flatMap(({ custom_id, result }) => (result.type === 'errored' ? [custom_id.slice(2)] : [])).sort())
    }
    expect(failed[0]?.length).toBeGreaterThan(2)
    expect(failed[1]).toEqual(failed[0])
    expect(failed[2]).toEqual([])
  })

  it('recognises a prompt that is asked again with feedback on its bad answer', async () => {
    await using workspace = await simulatedWorkspace()
    const prompt = 'Label this [[simulate:invalid_output times=1 variant=prose]]'
    const bad = answerText((await workspace.results((await workspace.run([batchRequest('a', prompt, asked)])).id))[0])
    const messages = [
      { role: 'user', content: prompt },
      { role: 'assistant', content: bad },
      { role: 'user', content: 'That was not JSON. Answer again.' },
    ]
    const again = await workspace.run([batchRequest('b', prompt, { ...asked, messages })])
    expect(JSON.parse(answerText((await workspace.results(again.id))[0]))).toHaveProperty('label')
  })

  it('refuses one parameter until it is gone', async () => {
    await using workspace = await simulatedWorkspace()
    const prompt = 'Hi [[simulate:invalid_request param=metadata]]'
    const refused = await workspace.run([batchRequest('a', prompt, { metadata: { user_id: 'x' } })])
    expect(await resultOf(workspace, refused.id, 'a')).toMatchObject({
      error: { error: { message: 'metadata: Extra inputs are not permitted' } },
    })
    expect((await workspace.run([batchRequest('a', prompt)])).request_counts.succeeded).toBe(1)
  })

  it('says which directive it does not know', async () => {
    await using workspace = await simulatedWorkspace()
    const batch = await workspace.run([batchRequest('a', 'Hi [[simulate:nonsense]]')])
    const result = await resultOf(workspace, batch.id, 'a')
    expect(result?.type === 'errored' && result.error.error.message).toContain('[[simulate:nonsense]]')
  })
})

describe('item faults of a realtime call', () => {
  const ask = (workspace: SimulatedWorkspace, prompt: string): Promise<Anthropic.Message> =>
    workspace.client.messages.create(messageParams(prompt))

  it.each([
    ['transient', 500, 'api_error'],
    ['rate_limited', 429, 'rate_limit_error'],
    ['overloaded', 529, 'overloaded_error'],
    ['expired', 504, 'timeout_error'],
    ['auth', 401, 'authentication_error'],
    ['invalid_request', 400, 'invalid_request_error'],
  ])('%s: an HTTP error, and then none', async (kind, status, type) => {
    await using workspace = await simulatedWorkspace()
    await expect(ask(workspace, `Hi [[simulate:${kind} times=1]]`)).rejects.toMatchObject({ status, type })
    expect(messageText(await ask(workspace, `Hi [[simulate:${kind} times=1]]`))).toContain('[sim:')
  })

  it('missing: the connection is cut, and the answer charged', async () => {
    await using workspace = await simulatedWorkspace()
    await expect(ask(workspace, 'Hi [[simulate:missing]]')).rejects.toThrow('Connection error')
    const books = await workspace.control.books({ realtime: true })
    expect(books.billed.realtime.requests).toBe(1)
    expect(books.create_calls).toMatchObject([{ route: 'messages', applied: true, answered: false }])
  })

  it.each(itemFaultKinds)('%s: one of the things that a directive can ask for', async (kind) => {
    await using workspace = await simulatedWorkspace()
    const outcome = await ask(workspace, `Hi [[simulate:${kind}]]`).then(
      () => 'answered',
      (error: unknown) => String(error),
    )
    expect(outcome).not.toContain('does not know the directive')
  })
})
