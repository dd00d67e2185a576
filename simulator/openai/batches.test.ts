import OpenAI from 'openai'
import { describe, expect, it, vi } from 'vitest'
import { chatLine, chatLines, simulatedProjects, textOf } from '../testing/simulated-project.ts'
import { answerFor, promptFingerprint } from './answer.ts'

const simulatedProject = simulatedProjects(OpenAI)

describe('a batch', () => {
  it('completes with one answer a line, each at the custom_id of its prompt, in another order', async () => {
    await using project = await simulatedProject()
    const batch = await project.run(chatLines(40))
    expect(batch).toMatchObject({
      status: 'completed',
      model: 'gpt-4o-mini',
      errors: null,
      error_file_id: null,
      request_counts: { total: 40, completed: 40, failed: 0 },
    })
    const lines = await project.results(batch.output_file_id)
    expect(lines.map(({ custom_id }) => custom_id).sort()).toEqual(
      chatLines(40)
        .map((line) => (JSON.parse(line) as { custom_id: string }).custom_id)
        .sort(),
    )
    expect(lines.map(({ custom_id }) => custom_id)).not.toEqual(chatLines(40).map((_line, index) => `item-${index}`))
    for (const line of lines) {
      const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: `Question ${line.custom_id.slice(5)}` }] }
      expect(textOf(line)).toContain(`[sim:${promptFingerprint('/v1/chat/completions', body)}]`)
      const expected = answerFor('/v1/chat/completions', body)
      expect(line.response?.body.choices).toEqual('choices' in expected ? expected.choices : null)
    }
  })

  it('goes through the statuses of the API with their times', async () => {
    await using project = await simulatedProject({ validating_ms: 40, duration_ms: 60, finalizing_ms: 60 })
    const created = await project.create(await project.upload(chatLines(3)))
    expect(created).toMatchObject({
      status: 'validating',
      in_progress_at: null,
      output_file_id: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
    })
    expect(created.expires_at).toBe(created.created_at + 86_400)
    await project.wait(created.id, ({ status }) => status === 'in_progress')
    const finalizing = await project.wait(created.id, ({ status }) => status === 'finalizing')
    expect(finalizing).toMatchObject({ output_file_id: null, request_counts: { total: 3, completed: 3, failed: 0 } })
    const completed = await project.wait(created.id)
    expect(completed.in_progress_at).toBeGreaterThanOrEqual(created.created_at)
    expect(completed.finalizing_at).not.toBeNull()
    expect(completed.completed_at).not.toBeNull()
    expect(completed.usage?.total_tokens).toBeGreaterThan(0)
  })

  it('shows counts that grow along the curve and never fall', async () => {
    await using project = await simulatedProject({ duration_ms: 150, faults: ['items:transient:rate=0.3'] })
    const { id } = await project.create(await project.upload(chatLines(200)))
    const seen: number[] = []
    const end = await project.wait(id, ({ request_counts: counts, status }) => {
      if (counts !== null) seen.push(counts.completed + counts.failed)
      return status === 'completed'
    })
    expect(seen).toEqual(seen.toSorted((one, other) => one - other))
    expect(new Set(seen).size).toBeGreaterThan(3)
    expect(end.request_counts?.failed).toBe((await project.results(end.error_file_id)).length)
  })

  it('whose requests all fail is completed, without an output file', async () => {
    await using project = await simulatedProject({ faults: ['items:transient:rate=1'] })
    const batch = await project.run(chatLines(5))
    expect(batch).toMatchObject({
      status: 'completed',
      output_file_id: null,
      request_counts: { total: 5, completed: 0, failed: 5 },
    })
    const lines = await project.results(batch.error_file_id)
    expect(lines.map(({ response }) => response?.status_code)).toEqual([500, 500, 500, 500, 500])
  })

  it('that expires keeps the finished part, and names the rest in the error file', async () => {
    await using project = await simulatedProject({ curve: 'stalled', duration_ms: 30, window_ms: 150 })
    const batch = await project.run(chatLines(10))
    expect(batch).toMatchObject({ status: 'expired', request_counts: { total: 10, completed: 6, failed: 0 } })
    expect(batch.expired_at).not.toBeNull()
    const finished = await project.results(batch.output_file_id)
    const unfinished = await project.results(batch.error_file_id)
    expect([finished.length, unfinished.length]).toEqual([6, 4])
    expect(unfinished.every(({ response, error }) => response === null && error?.code === 'batch_expired')).toBe(true)
    expect(new Set([...finished, ...unfinished].map(({ custom_id }) => custom_id)).size).toBe(10)
    expect((await project.control.books()).billed.batch.requests).toBe(6)
  })

  it('that is cancelled is cancelling for a while, and keeps and bills what was finished', async () => {
    await using project = await simulatedProject({ curve: 'stalled', duration_ms: 30, cancelling_ms: 60 })
    const { id } = await project.create(await project.upload(chatLines(10)))
    await project.wait(id, ({ request_counts: counts }) => counts?.completed === 6)
    expect(await project.client.batches.cancel(id)).toMatchObject({ status: 'cancelling', output_file_id: null })
    expect(await project.client.batches.cancel(id)).toMatchObject({ status: 'cancelling' })
    const batch = await project.wait(id)
    expect(batch).toMatchObject({
      status: 'cancelled',
      error_file_id: null,
      request_counts: { total: 10, completed: 6, failed: 0 },
    })
    expect(await project.results(batch.output_file_id)).toHaveLength(6)
    expect((await project.control.books()).billed.batch.requests).toBe(6)
    expect(await project.client.batches.cancel(id)).toMatchObject({ status: 'cancelled' })
  })

  it('can be cancelled while it is validated, and not once it is completed', async () => {
    await using project = await simulatedProject({ validating_ms: 10_000 })
    const early = await project.create(await project.upload(chatLines(2)))
    await project.client.batches.cancel(early.id)
    expect(await project.wait(early.id)).toMatchObject({ status: 'cancelled', output_file_id: null, error_file_id: null })
    await project.control.setOptions({ validating_ms: 0 })
    const done = await project.run(chatLines(2))
    await expect(project.client.batches.cancel(done.id)).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining("Cannot cancel a batch with status 'completed'"),
    })
  })

  it('above the enqueued tokens of its model fails as a whole, and fits again when the others have ended', async () => {
    await using project = await simulatedProject({ curve: 'stalled', enqueued_token_limits: { 'gpt-4o-mini': 100 } })
    const lines = chatLines(10)
    const first = await project.create(await project.upload(lines))
    await project.wait(first.id, ({ status }) => status === 'in_progress')
    const refused = await project.run(lines)
    expect(refused).toMatchObject({
      status: 'failed',
      errors: {
        data: [
          {
            code: 'token_limit_exceeded',
            line: null,
            message:
              'Enqueued token limit reached for gpt-4o-mini in organization org-simulator. Limit: 100 enqueued tokens. Please try again once some in_progress batches have been completed.',
          },
        ],
      },
    })
    await project.client.batches.cancel(first.id)
    await project.wait(first.id)
    await project.control.setOptions({ curve: 'linear', duration_ms: 0 })
    expect((await project.run(lines)).status).toBe('completed')
    const { load } = await project.control.books()
    const tokens = Object.values(load['openai']?.enqueued_tokens ?? {})[0]
    expect(tokens?.current).toBe(0)
    expect(tokens?.peak).toBeGreaterThan(0)
    expect(tokens?.peak).toBeLessThanOrEqual(100)
    expect(load['openai']?.in_flight_batches).toEqual({ current: 0, peak: 2 })
  })

  it('beyond so many an hour is refused with a 429, by key, until the first of them is an hour old', async () => {
    await using project = await simulatedProject({ batches_per_hour: 2 })
    const file = await project.upload(chatLines(1))
    await project.create(file)
    await project.create(file)
    await expect(project.create(file)).rejects.toMatchObject({
      status: 429,
      code: 'rate_limit_exceeded',
      type: 'requests',
      message: expect.stringContaining('Limit 2 batches per hour'),
    })
    const { batches, create_calls: calls } = await project.control.books()
    expect([batches.length, calls.at(-1)]).toMatchObject([2, { route: 'batches.create', applied: false, status: 429 }])
    const other = project.clientOf('sk-other').batches
    const create = { input_file_id: file, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
    expect((await other.create(create)).status).toBe('validating')
    const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_001)
    try {
      expect((await project.create(file)).status).toBe('validating')
    } finally {
      now.mockRestore()
    }
  })

  it('is listed newest first, page by page, by its own project only', async () => {
    await using project = await simulatedProject()
    const file = await project.upload(chatLines(1))
    const ids: string[] = []
    for (let number = 0; number < 5; number++) ids.unshift((await project.create(file)).id)
    const first = await project.client.batches.list({ limit: 2 })
    expect([first.data.map(({ id }) => id), first.has_more]).toEqual([ids.slice(0, 2), true])
    const all: string[] = []
    for await (const batch of project.client.batches.list({ limit: 2 })) all.push(batch.id)
    expect(all).toEqual(ids)
    expect((await project.clientOf('sk-other').batches.list()).data).toEqual([])
  })

  it('carries its metadata, and is refused for a wrong window or endpoint', async () => {
    await using project = await simulatedProject()
    const input_file_id = await project.upload(chatLines(1))
    const batch = await project.client.batches.create({
      input_file_id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { job: '7' },
    })
    expect(batch.metadata).toEqual({ job: '7' })
    const wrong = { input_file_id, endpoint: '/v1/chat/completions', completion_window: '48h' } as unknown as Parameters<
      typeof project.client.batches.create
    >[0]
    await expect(project.client.batches.create(wrong)).rejects.toMatchObject({ status: 400, param: 'completion_window' })
  })

  it('follows options that change while it runs', async () => {
    await using project = await simulatedProject({ curve: 'stalled', duration_ms: 10 })
    const { id } = await project.create(await project.upload(chatLines(10)))
    await project.wait(id, ({ request_counts: counts }) => counts?.completed === 6)
    await project.control.setOptions({ curve: 'linear' })
    expect((await project.wait(id)).status).toBe('completed')
  })
})

describe('a batch that fails validation', () => {
  const good = chatLine('a', 'A')
  const cases: [string, string[], object, object?][] = [
    [
      'a line that is not JSON',
      [good, '{"custom_id": "b", '],
      { code: 'invalid_json_line', line: 2, message: 'This line is not parseable as valid JSON.' },
    ],
    [
      'no custom_id',
      [JSON.stringify({ method: 'POST', url: '/v1/chat/completions', body: {} })],
      { code: 'missing_required_parameter', line: 1, param: 'custom_id' },
    ],
    [
      'no body',
      [JSON.stringify({ custom_id: 'a', method: 'POST', url: '/v1/chat/completions' })],
      { code: 'missing_required_parameter', line: 1, param: 'body' },
    ],
    ['a custom_id twice', [good, chatLine('b', 'B'), good], { code: 'duplicate_custom_id', line: 3, param: 'custom_id' }],
    [
      'the url of another endpoint',
      [good.replace('/v1/chat/completions', '/v1/embeddings')],
      { code: 'invalid_url', line: 1, param: 'url' },
    ],
    ['two models', [good, chatLine('b', 'B', { model: 'gpt-4o' })], { code: 'mismatched_model', line: 2, param: 'body.model' }],
    ['no messages', [chatLine('a', 'A', { messages: undefined })], { code: 'invalid_request', line: 1, param: 'body.messages' }],
    ['streaming', [chatLine('a', 'A', { stream: true })], { code: 'streaming_unsupported', line: 1, param: 'body.stream' }],
    [
      'an unknown model',
      [chatLine('a', 'A', { model: 'gpt-99' })],
      { code: 'model_not_found', line: 1, param: 'body.model' },
      { refuse_unknown_models: true },
    ],
    ['an empty file', ['', ' '], { code: 'empty_file', line: null }],
    ['too many requests', chatLines(4), { code: 'too_many_tasks', line: null }, { max_requests: 3 }],
    ['too many bytes', chatLines(4), { code: 'file_too_large', line: null }, { max_batch_bytes: 100 }],
  ]
  it.each(cases)('says so: %s', async (_name, lines, error, options = {}) => {
    await using project = await simulatedProject(options)
    const batch = await project.run(lines)
    expect(batch).toMatchObject({
      status: 'failed',
      output_file_id: null,
      error_file_id: null,
      errors: { object: 'list', data: [error] },
    })
    expect((await project.control.books()).billed.batch.requests).toBe(0)
  })

  it('names every wrong line', async () => {
    await using project = await simulatedProject()
    const batch = await project.run(['no', chatLine('a', 'A'), '[]', chatLine('a', 'A')])
    expect(batch.errors?.data.map(({ line, code }) => [line, code])).toEqual([
      [1, 'invalid_json_line'],
      [3, 'invalid_request'],
      [4, 'duplicate_custom_id'],
    ])
  })
})
