import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it, vi } from 'vitest'
import { answerText, batchRequest, batchRequests, messageParams, simulatedWorkspaces } from '../testing/simulated-workspace.ts'
import type { SimulatorOptions } from '../options.ts'
import { anthropicAnswerFor, anthropicPromptFingerprint } from './answer.ts'

const simulatedWorkspace = simulatedWorkspaces(Anthropic)

describe('a message batch', () => {
  it('ends with one result a request, each at the custom_id of its prompt, in another order', async () => {
    await using workspace = await simulatedWorkspace()
    const batch = await workspace.run(batchRequests(40))
    expect(batch.request_counts).toEqual({ processing: 0, succeeded: 40, errored: 0, canceled: 0, expired: 0 })
    const lines = await workspace.results(batch.id)
    const ids = batchRequests(40).map(({ custom_id }) => custom_id)
    expect(lines.map(({ custom_id }) => custom_id).sort()).toEqual([...ids].sort())
    expect(lines.map(({ custom_id }) => custom_id)).not.toEqual(ids)
    for (const line of lines) {
      const params = messageParams(`Question ${line.custom_id.slice(5)}`)
      expect(answerText(line)).toContain(`[sim:${anthropicPromptFingerprint({ ...params })}]`)
      expect(line.result).toMatchObject({
        type: 'succeeded',
        message: {
          content: anthropicAnswerFor({ ...params }).content,
          model: 'claude-haiku-4-5-20251001',
          stop_reason: 'end_turn',
          usage: { service_tier: 'batch', cache_read_input_tokens: 0 },
        },
      })
    }
  })

  it('tells nothing until it has ended: all are processing, there are no results', async () => {
    await using workspace = await simulatedWorkspace({ curve: 'stalled', duration_ms: 20, window_ms: '1h' })
    const created = await workspace.create(batchRequests(10))
    expect(created).toMatchObject({ type: 'message_batch', processing_status: 'in_progress', ended_at: null, results_url: null })
    expect(Date.parse(created.expires_at) - Date.parse(created.created_at)).toBe(3_600_000)
    await workspace.waitForFinished(6)
    const batch = await workspace.client.messages.batches.retrieve(created.id)
    expect(batch.request_counts).toEqual({ processing: 10, succeeded: 0, errored: 0, canceled: 0, expired: 0 })
    await expect(workspace.client.messages.batches.results(created.id)).rejects.toThrow('Has it finished processing?')
    await expect(workspace.client.get(`/v1/messages/batches/${created.id}/results`)).rejects.toMatchObject({
      status: 404,
      type: 'not_found_error',
      apiMessage: `Message Batch ${created.id} has no available results.`,
    })
  })

  it('has 24 hours', async () => {
    await using workspace = await simulatedWorkspace({ duration_ms: '1h' })
    const { created_at: created, expires_at: expires } = await workspace.create(batchRequests(1))
    expect(Date.parse(expires) - Date.parse(created)).toBe(86_400_000)
  })

  it('that expires keeps the finished part, and bills only that', async () => {
    await using workspace = await simulatedWorkspace({ curve: 'stalled', duration_ms: 30, window_ms: 150 })
    const batch = await workspace.run(batchRequests(10))
    expect(batch.request_counts).toEqual({ processing: 0, succeeded: 6, errored: 0, canceled: 0, expired: 4 })
    const lines = await workspace.results(batch.id)
    expect(lines.filter(({ result }) => result.type === 'expired').map(({ result }) => result)).toEqual(
      Array.from({ length: 4 }, () => ({ type: 'expired' })),
    )
    expect(new Set(lines.map(({ custom_id }) => custom_id)).size).toBe(10)
    expect((await workspace.control.books()).billed.batch.requests).toBe(6)
  })

  it('that is canceled is canceling for a while, and keeps and bills what was finished', async () => {
    await using workspace = await simulatedWorkspace({ curve: 'stalled', duration_ms: 30, cancelling_ms: 60 })
    const { id } = await workspace.create(batchRequests(10))
    await workspace.waitForFinished(6)
    const canceling = await workspace.client.messages.batches.cancel(id)
    expect(canceling).toMatchObject({ processing_status: 'canceling', results_url: null, request_counts: { processing: 10 } })
    expect(canceling.cancel_initiated_at).not.toBeNull()
    expect(await workspace.client.messages.batches.cancel(id)).toEqual(canceling)
    const batch = await workspace.wait(id)
    expect(batch.request_counts).toEqual({ processing: 0, succeeded: 6, errored: 0, canceled: 4, expired: 0 })
    const results = (await workspace.results(id)).map(({ result }) => result)
    expect(results.filter(({ type }) => type === 'canceled')).toEqual(Array.from({ length: 4 }, () => ({ type: 'canceled' })))
    expect((await workspace.control.books()).billed.batch.requests).toBe(6)
    expect(await workspace.client.messages.batches.cancel(id)).toMatchObject({ processing_status: 'ended' })
  })

  it('is listed newest first, page by page in both directions, by its own key only', async () => {
    await using workspace = await simulatedWorkspace()
    const ids: string[] = []
    for (let number = 0; number < 5; number++) ids.unshift((await workspace.create(batchRequests(1))).id)
    const { batches } = workspace.client.messages
    const first = await batches.list({ limit: 2 })
    expect([first.data.map(({ id }) => id), first.has_more, first.first_id, first.last_id]).toEqual([
      ids.slice(0, 2),
      true,
      ids[0],
      ids[1],
    ])
    const forwards: string[] = []
    for await (const batch of batches.list({ limit: 2 })) forwards.push(batch.id)
    expect(forwards).toEqual(ids)
    const back = await batches.list({ limit: 2, before_id: ids[3] ?? '' })
    expect([back.data.map(({ id }) => id), back.has_more]).toEqual([ids.slice(1, 3), true])
    const top = await batches.list({ limit: 2, before_id: ids[1] ?? '' })
    expect([top.data.map(({ id }) => id), top.has_more]).toEqual([ids.slice(0, 1), false])
    const other = workspace.clientOf('sk-other').messages.batches
    expect(await other.list()).toMatchObject({ data: [], has_more: false, first_id: null, last_id: null })
    await expect(other.retrieve(ids[0] ?? '')).rejects.toMatchObject({ status: 404, type: 'not_found_error' })
    await expect(batches.list({ limit: 1001 })).rejects.toMatchObject({ status: 400 })
  })

  it('can be deleted once it has ended, and stays in the books', async () => {
    await using workspace = await simulatedWorkspace({ duration_ms: '1h' })
    const { batches } = workspace.client.messages
    const { id } = await workspace.create(batchRequests(2))
    await expect(batches.delete(id)).rejects.toMatchObject({
      status: 400,
      apiMessage: 'In progress batches cannot be deleted. Consider canceling the batch instead.',
    })
    await workspace.control.setOptions({ duration_ms: 0 })
    await workspace.wait(id)
    expect(await batches.delete(id)).toEqual({ id, type: 'message_batch_deleted' })
    await expect(batches.retrieve(id)).rejects.toMatchObject({ status: 404 })
    expect((await batches.list()).data).toEqual([])
    expect((await workspace.control.books()).billed.batch.requests).toBe(2)
  })

  it('keeps its results for 29 days from its creation', async () => {
    await using workspace = await simulatedWorkspace()
    const batch = await workspace.run(batchRequests(1))
    const end = Date.parse(batch.created_at) + 29 * 86_400_000
    const now = vi.spyOn(Date, 'now').mockReturnValue(end - 1)
    try {
      expect(await workspace.results(batch.id)).toHaveLength(1)
      now.mockReturnValue(end)
      const { archived_at: archived } = await workspace.client.messages.batches.retrieve(batch.id)
      expect(archived).toBe(new Date(end).toISOString())
    } finally {
      now.mockRestore()
    }
  })

  it('loses its results when it is archived', async () => {
    await using workspace = await simulatedWorkspace()
    const batch = await workspace.run(batchRequests(1))
    expect(batch.archived_at).toBeNull()
    await workspace.control.setOptions({ archive_after_ms: 0 })
    const archived = await workspace.client.messages.batches.retrieve(batch.id)
    expect(archived).toMatchObject({ archived_at: batch.created_at, results_url: null, request_counts: { succeeded: 1 } })
    await expect(workspace.client.get(`/v1/messages/batches/${batch.id}/results`)).rejects.toMatchObject({ status: 404 })
  })

  it('takes all models at once, and names those it does not know one by one', async () => {
    await using workspace = await simulatedWorkspace({ refuse_unknown_models: true })
    const requests = [
      batchRequest('a', 'A'),
      batchRequest('b', 'B', { model: 'claude-sonnet-5-5' }),
      batchRequest('c', 'C', { model: 'claude-9' }),
    ]
    const batch = await workspace.run(requests)
    expect(batch.request_counts).toMatchObject({ succeeded: 2, errored: 1 })
    const wrong = (await workspace.results(batch.id)).find(({ custom_id }) => custom_id === 'c')
    expect(wrong?.result).toEqual({
      type: 'errored',
      error: { type: 'error', error: { type: 'not_found_error', message: 'model: claude-9' }, request_id: null },
    })
  })

  it('follows options that change while it runs', async () => {
    await using workspace = await simulatedWorkspace({ curve: 'stalled', duration_ms: 10 })
    const { id } = await workspace.create(batchRequests(10))
    await workspace.waitForFinished(6)
    await workspace.control.setOptions({ curve: 'linear' })
    expect((await workspace.wait(id)).request_counts.succeeded).toBe(10)
  })

  it('is refused with a 429 when too many requests wait', async () => {
    await using workspace = await simulatedWorkspace({ duration_ms: '1h', queued_request_limit: 5 })
    await workspace.create(batchRequests(3))
    const refused = await workspace.create(batchRequests(3)).then(
      () => null,
      (error: unknown) => error as InstanceType<typeof Anthropic.RateLimitError>,
    )
    expect(refused).toMatchObject({ status: 429, type: 'rate_limit_error' })
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect((await workspace.clientOf('sk-other').messages.batches.create({ requests: batchRequests(3) })).id).toMatch(
      /^msgbatch_/,
    )
    expect((await workspace.client.messages.batches.list()).data).toHaveLength(1)
  })
})

describe('a create that is refused', () => {
  const good = batchRequest('a', 'A')
  const cases: [string, unknown, string, SimulatorOptions?][] = [
    [
      'a custom_id with a colon',
      [good, batchRequest('b:1', 'B')],
      "requests.1.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'",
    ],
    [
      'a custom_id that is too long',
      [batchRequest('x'.repeat(65), 'B')],
      'requests.0.custom_id: String should have at most 64 characters',
    ],
    ['an empty custom_id', [batchRequest('', 'B')], 'requests.0.custom_id: String should have at least 1 character'],
    ['no custom_id', [{ params: good.params }], 'requests.0.custom_id: Field required'],
    ['a custom_id that is a number', [{ ...good, custom_id: 7 }], 'requests.0.custom_id: Input should be a valid string'],
    [
      'a custom_id twice',
      [good, batchRequest('b', 'B'), good],
      "requests: custom_id's must be unique within a batch. Duplicate custom_id found: a",
    ],
    ['no params', [good, { custom_id: 'b' }], 'requests.1.params: Field required'],
    ['something else in a request', [{ ...good, method: 'POST' }], 'requests.0.method: Extra inputs are not permitted'],
    ['a request that is no object', [good, 'x'], 'requests.1: Input should be an object'],
    ['no requests', [], 'requests: List should have at least 1 item after validation, not 0'],
    [
      'too many requests',
      batchRequests(4),
      'requests: List should have at most 3 items after validation, not 4',
      { max_requests: 3 },
    ],
    [
      'a refused line',
      [good, batchRequest('b', 'B [[simulate:refused_line]]')],
      'requests.1: This request was refused, as its prompt asked for.',
    ],
  ]
  it.each(cases)('says so: %s', async (_name, requests, message, options = {}) => {
    await using workspace = await simulatedWorkspace(options)
    await expect(workspace.client.post('/v1/messages/batches', { body: { requests } })).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      apiMessage: message,
    })
    expect((await workspace.client.messages.batches.list()).data).toEqual([])
    const { batches, create_calls: calls } = await workspace.control.books()
    expect([batches, calls]).toMatchObject([[], [{ applied: false, status: 400 }]])
  })

  it.each([
    ['{"requests": [', 'unexpected end'],
    ['[]', 'unexpected character'],
    ['{"requests": [{"custom_id": "a", "params": {x}}]}', 'requests.0'],
    ['{}', 'requests: Field required'],
    ['{"requests": {}}', 'requests: Field required'],
    ['{"requests": [], "model": "x"}', 'model: Extra inputs are not permitted'],
  ])('says so: %s', async (body, message) => {
    await using workspace = await simulatedWorkspace()
    const headers = { 'content-type': 'application/json' }
    await expect(workspace.client.post('/v1/messages/batches', { body, headers })).rejects.toMatchObject({
      status: 400,
      apiMessage: expect.stringContaining(message),
    })
  })

  it('above the most bytes with a 413, whatever is still to come', async () => {
    await using workspace = await simulatedWorkspace({ max_batch_bytes: 100_000 })
    const requests = batchRequests(3000, 'A long question, '.repeat(20))
    await expect(workspace.create(requests)).rejects.toMatchObject({
      status: 413,
      error: { type: 'error', error: { type: 'request_too_large' } },
    })
    expect((await workspace.run(batchRequests(3))).request_counts.succeeded).toBe(3)
  })
})
