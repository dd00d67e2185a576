import Anthropic, { APIError, NotFoundError } from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import { batchRequests, messageParams, simulatedWorkspaces } from '../testing/simulated-workspace.ts'

const simulatedWorkspace = simulatedWorkspaces(Anthropic)

describe('a key', () => {
  it('comes as x-api-key or as a bearer; of both, x-api-key counts', async () => {
    await using workspace = await simulatedWorkspace()
    await workspace.create(batchRequests(1))
    const listed = async (headers: Record<string, string>): Promise<unknown> => {
      const url = `${workspace.simulator.baseUrls.anthropic}/v1/messages/batches`
      const response = await fetch(url, { headers: { 'anthropic-version': '2026-10-21', ...headers } })
      const body = (await response.json()) as { data?: unknown[]; error?: { type: string; message: string } }
      return response.ok ? body.data?.length : [response.status, body.error?.type, body.error?.message]
    }
    expect(await listed({ 'x-api-key': 'sk-test' })).toBe(1)
    expect(await listed({ authorization: 'Bearer sk-test' })).toBe(1)
    expect(await listed({ authorization: 'Bearer sk-test', 'x-api-key': 'sk-other' })).toBe(0)
    expect(await listed({})).toEqual([401, 'authentication_error', 'x-api-key header is required'])
    expect(await listed({ 'x-api-key': 'bad-key' })).toEqual([401, 'authentication_error', 'API key is invalid.'])
  })

  it('comes with a version that there is', async () => {
    await using workspace = await simulatedWorkspace()
    const ask = (headers: Record<string, string | null>): Promise<unknown> => workspace.client.models.list({}, { headers })
    await expect(ask({ 'anthropic-version': null })).rejects.toMatchObject({
      status: 400,
      apiMessage: 'anthropic-version: header is required',
    })
    await expect(ask({ 'anthropic-version': '2030-01-01' })).rejects.toMatchObject({ status: 400 })
    await expect(ask({ 'anthropic-version': '2023-06-01' })).resolves.toBeDefined()
  })
})

describe('an error', () => {
  it('has the API’s shape and the number of its call', async () => {
    await using workspace = await simulatedWorkspace()
    const error = await workspace.client.messages.batches.retrieve('msgbatch_none').catch((caught: unknown) => caught)
    if (!(error instanceof NotFoundError)) throw new Error('found')
    expect(error.requestID).toMatch(/^req_/)
    expect(error.error).toEqual({
      type: 'error',
      error: { type: 'not_found_error', message: 'Message Batch msgbatch_none not found.' },
      request_id: error.requestID,
    })
    await expect(workspace.client.get('/v1/nothing')).rejects.toMatchObject({ status: 404, type: 'not_found_error' })
  })
})

describe('HTTP faults', () => {
  it('accept_then_drop: the create fails, but the batch is there', async () => {
    await using workspace = await simulatedWorkspace({ faults: ['batches.create:accept_then_drop'] })
    await expect(workspace.create(batchRequests(2))).rejects.toThrow('Connection error')
    const [batch] = (await workspace.client.messages.batches.list()).data
    expect((await workspace.wait(batch?.id ?? '')).request_counts.succeeded).toBe(2)
    expect((await workspace.control.books()).create_calls).toMatchObject([
      { provider: 'anthropic', object_id: batch?.id, applied: true, answered: false, status: null, fault: 'accept_then_drop' },
    ])
  })

  it('the SDK on its own makes two batches of one dropped call', async () => {
    await using workspace = await simulatedWorkspace({ faults: ['batches.create:accept_then_drop'] })
    const retrying = workspace.client.withOptions({ maxRetries: 1 })
    await retrying.messages.batches.create({ requests: batchRequests(1) })
    expect((await workspace.client.messages.batches.list()).data).toHaveLength(2)
  })

  it('refuse: nothing was made', async () => {
    await using workspace = await simulatedWorkspace({ faults: ['anthropic/batches.create:refuse'] })
    await expect(workspace.create(batchRequests(1))).rejects.toThrow('Connection error')
    expect((await workspace.client.messages.batches.list()).data).toEqual([])
  })

  it('hold: carried out, not answered until it is released', async () => {
    await using workspace = await simulatedWorkspace({ faults: ['batches.create:hold'] })
    const held = workspace.create(batchRequests(1))
    await expect.poll(async () => (await workspace.client.messages.batches.list()).data.length).toBe(1)
    await expect.poll(() => workspace.control.release('batches.create')).toBe(1)
    expect((await held).type).toBe('message_batch')
  })

  it.each([
    [401, 'authentication_error'],
    [402, 'billing_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [409, 'conflict_error'],
    [413, 'request_too_large'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [503, 'api_error'],
    [504, 'timeout_error'],
    [529, 'overloaded_error'],
  ])('status: %d as %s, nothing done', async (status, type) => {
    await using workspace = await simulatedWorkspace({ faults: [`batches.create:status:status=${status},retry_after=7`] })
    const error = await workspace.create(batchRequests(1)).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ status, error: { type: 'error', error: { type } } })
    expect(error instanceof APIError && error.headers?.get('retry-after')).toBe('7')
    expect((await workspace.client.messages.batches.list()).data).toEqual([])
  })

  it('truncate: results that break off', async () => {
    await using workspace = await simulatedWorkspace({ faults: ['batches.results:truncate:after_bytes=100'] })
    const { id } = await workspace.run(batchRequests(5))
    await expect(workspace.results(id)).rejects.toThrow('terminated')
    expect(await workspace.results(id)).toHaveLength(5)
  })

  it('of realtime calls have names of their own', async () => {
    await using workspace = await simulatedWorkspace({ faults: ['messages:status:status=529'] })
    expect((await workspace.run(batchRequests(1))).request_counts.succeeded).toBe(1)
    await expect(workspace.client.messages.create(messageParams('x'))).rejects.toMatchObject({ status: 529 })
    expect((await workspace.client.messages.create(messageParams('x'))).type).toBe('message')
  })
})
