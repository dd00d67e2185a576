import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { ItemFaultKind } from '../item-faults.ts'
import { chatBody, chatLine, chatLines, type SimulatedProject, simulatedProjects, textOf } from '../testing/simulated-project.ts'

const simulatedProject = simulatedProjects(OpenAI)

const schema = { type: 'object', properties: { label: { type: 'string' } }, required: ['label'], additionalProperties: false }
const asked = { response_format: { type: 'json_schema', json_schema: { name: 'label', strict: true, schema } } }

describe('item faults in a batch', () => {
  const inErrorFile: [ItemFaultKind, object][] = [
    ['transient', { response: { status_code: 500, body: { error: { type: 'server_error' } } } }],
    ['rate_limited', { response: { status_code: 429, body: { error: { code: 'rate_limit_exceeded' } } } }],
    ['expired', { response: null, error: { code: 'batch_expired' } }],
    ['invalid_request', { response: { status_code: 400, body: { error: { type: 'invalid_request_error' } } } }],
    ['auth', { response: { status_code: 401 } }],
    ['status_zero', { response: { status_code: 0, request_id: '', body: {} }, error: null }],
  ]
  it.each(inErrorFile)('%s: in the error file', async (kind, expected) => {
    await using project = await simulatedProject()
    const batch = await project.run([chatLine('a', `Hello [[simulate:${kind}]]`), chatLine('b', 'Hello')])
    expect(await project.results(batch.error_file_id)).toMatchObject([{ custom_id: 'a', ...expected }])
    expect(await project.results(batch.output_file_id)).toMatchObject([{ custom_id: 'b' }])
    expect((await project.control.books()).billed.batch.requests).toBe(1)
  })

  const inOutputFile: [ItemFaultKind, object][] = [
    ['truncated', { finish_reason: 'length' }],
    ['content_filter', { finish_reason: 'content_filter' }],
    ['refusal', { finish_reason: 'stop', message: { content: null, refusal: expect.stringContaining("can't help") } }],
  ]
  it.each(inOutputFile)('%s: an answer that is charged', async (kind, choice) => {
    await using project = await simulatedProject()
    const batch = await project.run([chatLine('a', `Hello [[simulate:${kind}]]`)])
    expect((await project.results(batch.output_file_id))[0]?.response?.body.choices).toMatchObject([choice])
    expect((await project.control.books()).billed.batch.requests).toBe(1)
  })

  it('missing: in neither file, yet charged', async () => {
    await using project = await simulatedProject()
    const batch = await project.run([chatLine('a', 'Hello [[simulate:missing]]')])
    expect(batch).toMatchObject({ status: 'completed', output_file_id: null, error_file_id: null })
    expect((await project.control.books()).batches).toMatchObject([{ billed_requests: 1, delivered_requests: 0 }])
  })

  it.each(['prose', 'invalid_json', 'wrong_schema', 'fence'])(
    'invalid_output as %s when a schema was asked for',
    async (variant) => {
      await using project = await simulatedProject()
      const batch = await project.run([chatLine('a', `Label this [[simulate:invalid_output variant=${variant}]]`, asked)])
      const [line] = await project.results(batch.output_file_id)
      const text = line === undefined ? '' : textOf(line)
      switch (variant) {
        case 'fence':
          expect(JSON.parse(/```json\n(.*)\n```/s.exec(text)?.[1] ?? '')).toHaveProperty('label')
          break
        case 'wrong_schema':
          expect(JSON.parse(text)).not.toHaveProperty('label')
          break
        default:
          expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
      }
    },
  )

  it('picks the same prompts whatever their custom_ids are, and lets them succeed after their attempts', async () => {
    await using project = await simulatedProject({ faults: ['items:transient:rate=0.3,first_attempts=2'] })
    const failed: string[][] = []
    for (const prefix of ['x', 'y', 'z']) {
      const batch = await project.run(
        Array.from({ length: 30 }, (_value, index) => chatLine(`${prefix}-${index}`, `Question ${index}`)),
      )
      failed.push((await project.results(batch.error_file_id)).map(({ custom_id }) => custom_id.slice(2)).sort())
    }
    expect(failed[0]?.length).toBeGreaterThan(2)
    expect(failed[1]).toEqual(failed[0])
    expect(failed[2]).toEqual([])
  })

  it('counts an attempt only for what was executed', async () => {
    await using project = await simulatedProject({ faults: ['items:transient:rate=1'], curve: 'stalled', duration_ms: 10 })
    const { id } = await project.create(await project.upload(chatLines(10)))
    await project.wait(id, ({ request_counts: counts }) => counts?.failed === 6)
    await project.client.batches.cancel(id)
    await project.wait(id)
    await project.control.setOptions({ curve: 'instant', duration_ms: 0 })
    expect((await project.run(chatLines(10))).request_counts).toEqual({ total: 10, completed: 6, failed: 4 })
  })

  it('recognises a prompt that is asked again with feedback on its bad answer', async () => {
    await using project = await simulatedProject()
    const prompt = 'Label this [[simulate:invalid_output times=1 variant=prose]]'
    const first = await project.run([chatLine('a', prompt, asked)])
    const bad = (await project.results(first.output_file_id)).map(textOf)[0]
    const again = chatLine('b', prompt, {
      ...asked,
      messages: [
        { role: 'user', content: prompt },
        { role: 'assistant', content: bad },
        { role: 'user', content: 'That was not JSON. Answer again.' },
      ],
    })
    const second = await project.run([again])
    expect(JSON.parse((await project.results(second.output_file_id)).map(textOf)[0] ?? '')).toHaveProperty('label')
  })

  it('follows several directives one after another', async () => {
    await using project = await simulatedProject()
    const lines = [chatLine('a', 'Hi [[simulate:transient times=1]] [[simulate:truncated times=1]]')]
    const [first, second, third] = [await project.run(lines), await project.run(lines), await project.run(lines)]
    expect(first.output_file_id).toBeNull()
    const finish = async (id: string | null): Promise<string | undefined> =>
      (await project.results(id))[0]?.response?.body.choices?.[0]?.finish_reason
    expect([await finish(second.output_file_id), await finish(third.output_file_id)]).toEqual(['length', 'stop'])
  })

  it('refuses one parameter until it is gone', async () => {
    await using project = await simulatedProject()
    const prompt = 'Hi [[simulate:invalid_request param=seed]]'
    const refused = await project.run([chatLine('a', prompt, { seed: 1 })])
    expect((await project.results(refused.error_file_id))[0]?.response?.body.error).toMatchObject({
      code: 'unsupported_parameter',
      param: 'seed',
    })
    expect((await project.run([chatLine('a', prompt)])).request_counts?.completed).toBe(1)
  })

  it('says which directive it does not know', async () => {
    await using project = await simulatedProject()
    const batch = await project.run([chatLine('a', 'Hi [[simulate:nonsense]]')])
    expect((await project.results(batch.error_file_id))[0]?.response?.body.error?.message).toContain('[[simulate:nonsense]]')
  })
})

describe('item faults of a realtime call', () => {
  const ask = (project: SimulatedProject, prompt: string): Promise<unknown> =>
    project.client.post('/chat/completions', { body: chatBody(prompt) })

  it('come as HTTP errors, and end after their attempts', async () => {
    await using project = await simulatedProject()
    await expect(ask(project, 'Hi [[simulate:rate_limited times=1]]')).rejects.toMatchObject({ status: 429 })
    await expect(ask(project, 'Hi [[simulate:rate_limited times=1]]')).resolves.toHaveProperty('choices')
    await expect(ask(project, 'Hi [[simulate:expired]]')).rejects.toMatchObject({ status: 408 })
  })

  it('missing: the connection is cut, and the answer charged', async () => {
    await using project = await simulatedProject()
    await expect(ask(project, 'Hi [[simulate:missing]]')).rejects.toThrow('Connection error')
    const books = await project.control.books({ realtime: true })
    expect(books.billed.realtime.requests).toBe(1)
    expect(books.create_calls).toMatchObject([{ route: 'chat.completions', applied: true, answered: false }])
  })
})
