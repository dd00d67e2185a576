import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { chatBody, chatLines, type SimulatedProject, simulatedProjects } from './testing/simulated-project.ts'

const simulatedProject = simulatedProjects(OpenAI)

const routes = (books: Awaited<ReturnType<SimulatedProject['control']['books']>>, route: string): unknown[] =>
  books.create_calls
    .filter((call) => call.route === route)
    .map(({ applied, answered, status, fault }) => ({ applied, answered, status, fault }))

describe('HTTP faults', () => {
  it('refuse: the call fails and nothing was made; the next one works', async () => {
    await using project = await simulatedProject({ faults: ['batches.create:refuse'] })
    const file = await project.upload(chatLines(1))
    await expect(project.create(file)).rejects.toThrow('Connection error')
    expect((await project.client.batches.list()).data).toEqual([])
    await project.create(file)
    expect(routes(await project.control.books(), 'batches.create')).toEqual([
      { applied: false, answered: false, status: null, fault: 'refuse' },
      { applied: true, answered: true, status: 200, fault: null },
    ])
  })

  it('accept_then_drop: the call fails, but the batch is there', async () => {
    await using project = await simulatedProject({ faults: ['batches.create:accept_then_drop'] })
    const file = await project.upload(chatLines(1))
    await expect(project.create(file)).rejects.toThrow('Connection error')
    const [batch] = (await project.client.batches.list()).data
    expect(batch?.input_file_id).toBe(file)
    const books = await project.control.books()
    expect(books.create_calls.at(-1)).toMatchObject({
      object_id: batch?.id,
      input_file_id: file,
      applied: true,
      answered: false,
      fault: 'accept_then_drop',
    })
  })

  it('the SDK on its own makes two batches of one dropped call', async () => {
    await using project = await simulatedProject({ faults: ['batches.create:accept_then_drop'] })
    const input_file_id = await project.upload(chatLines(1))
    const retrying = project.client.withOptions({ maxRetries: 1 })
    await retrying.batches.create({ input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' })
    expect((await project.client.batches.list()).data).toHaveLength(2)
  })

  it('status: 429 with Retry-After, 409 and 503 in the shape of the API, nothing done', async () => {
    await using project = await simulatedProject({
      faults: [
        'batches.create:status:status=429,retry_after=7',
        { route: 'batches.create', effect: 'status', status: 409, message: 'Busy.' },
        'batches.create:status:status=503',
      ],
    })
    const file = await project.upload(chatLines(1))
    const failure = async (): Promise<{ status: number; headers: Headers; message: string }> =>
      project.create(file).then(
        () => Promise.reject(new Error('created')),
        (error: unknown) => error as { status: number; headers: Headers; message: string },
      )
    const limited = await failure()
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7'])
    expect(await failure()).toMatchObject({ status: 409, message: '409 Busy.' })
    expect((await failure()).status).toBe(503)
    expect((await project.client.batches.list()).data).toEqual([])
  })

  it('status: with a body of its own, also for an upload that is still coming', async () => {
    await using project = await simulatedProject({
      faults: [{ route: 'files.*', effect: 'status', status: 413, body: { error: { message: 'too large', code: 'x' } } }],
    })
    await expect(project.upload(['x'.repeat(3_000_000)])).rejects.toMatchObject({ status: 413, code: 'x' })
  })

  it('delay: the call waits, then is carried out', async () => {
    await using project = await simulatedProject({ faults: ['batches.list:delay:delay_ms=60'] })
    const from = performance.now()
    await project.client.batches.list()
    expect(performance.now() - from).toBeGreaterThanOrEqual(55)
  })

  it('hold: carried out, not answered until it is released', async () => {
    await using project = await simulatedProject({ faults: ['batches.create:hold'] })
    const file = await project.upload(chatLines(1))
    const held = project.create(file)
    await expect.poll(async () => (await project.client.batches.list()).data.length).toBe(1)
    expect(await Promise.race([held.then(() => 'answered'), project.client.files.list().then(() => 'held')])).toBe('held')
    expect(routes(await project.control.books(), 'batches.create')).toEqual([
      { applied: true, answered: false, status: null, fault: 'hold' },
    ])
    await expect.poll(() => project.control.release('batches.create')).toBe(1)
    expect((await held).input_file_id).toBe(file)
  })

  it('hold: may end in a cut connection', async () => {
    await using project = await simulatedProject({ faults: ['batches.list:hold'] })
    const held = project.client.batches.list().then(
      () => 'answered',
      () => 'cut',
    )
    await expect.poll(() => project.control.release(undefined, false)).toBe(1)
    expect(await held).toBe('cut')
  })

  it('truncate: a download that ends short of its length', async () => {
    await using project = await simulatedProject({ faults: ['files.content:truncate:after_bytes=100'] })
    const batch = await project.run(chatLines(5))
    const response = await project.client.files.content(batch.output_file_id ?? '')
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(100)
    await expect(response.text()).rejects.toThrow('terminated')
    expect(await project.results(batch.output_file_id)).toHaveLength(5)
  })

  it('hit as often as they should: times, skip, probability by the seed', async () => {
    await using project = await simulatedProject({ seed: 3 })
    await project.control.addFault({ route: 'openai/models.list', effect: 'status', status: 500, times: 2, skip: 1 })
    const ask = (): Promise<string> =>
      project.client.models.list().then(
        () => 'ok',
        () => 'failed',
      )
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual(['ok', 'failed', 'failed', 'ok'])
    await project.control.addFault('*:status:times=always,probability=0.5')
    const outcomes = []
    for (let call = 0; call < 20; call++) outcomes.push(await ask())
    expect(new Set(outcomes)).toEqual(new Set(['ok', 'failed']))
    await project.control.clearFaults()
    expect(await ask()).toBe('ok')
  })

  it('of another provider or route leave a call alone', async () => {
    await using project = await simulatedProject({ faults: ['anthropic/batches.create:refuse', 'chat.completions:refuse'] })
    expect((await project.run(chatLines(1))).status).toBe('completed')
    await expect(project.client.post('/chat/completions', { body: chatBody('x') })).rejects.toThrow('Connection error')
  })
})
