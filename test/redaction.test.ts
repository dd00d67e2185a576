import { afterAll, beforeAll, expect, test } from 'vitest'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { simulatorControl, startSimulator, type Simulator } from '../simulator/simulator.ts'

const key = 'sk-the-real-key-0123'
const log: string[] = []
let outside: Simulator
let stack: JobStack
beforeAll(async () => {
  // A real provider, as far as the worker knows: its key is a secret.
  outside = await startSimulator({ duration_ms: 50 })
  stack = await startJobStack({
    yaml: `providers: { lab: { kind: openai, base_url: "${outside.url}/openai/v1", api_key: ${key} } }
redaction: { patterns: ['patient_[a-z]+', 'C-\\d+'] }
log: { level: debug }`,
    log: (line) => void log.push(line),
  })
})
afterAll(async () => {
  await stack.stop()
  await outside.close()
})

async function answered(path: string): Promise<string> {
  const response = await stack.app.router.request(`http://127.0.0.1/v1/jobs/${path}`)
  expect(response.status, path).toBe(200)
  return await response.text()
}

/** Everything that is told of a job but its prompts, as one text by where it is told. */
async function told(id: string): Promise<Record<string, string>> {
  const histories = await Promise.all(
    [`job-${id}`, `job-${id}-batch-1`].map(async (workflow) =>
      // Payloads and failures of Temporal are bytes in it.
      JSON.stringify(await stack.client.workflow.getHandle(workflow).fetchHistory(), (_, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString() : value,
      ),
    ),
  )
  const { sql } = stack.db.database
  const rows = await Promise.all(
    ['jobs', 'batches', 'submissions', 'outcomes', 'attempts', 'events'].map(
      async (table) =>
        await sql`select to_json(t)::text as row from ${sql(table)} t where ${table === 'jobs' ? sql`id` : sql`job_id`} = ${id}`,
    ),
  )
  return {
    job: await answered(id),
    results: await answered(`${id}/results`),
    raw: await answered(`${id}/results?raw=true`),
    events: await answered(`${id}/events`),
    batches: await answered(`${id}/batches`),
    item: await answered(`${id}/items/1`),
    rows: JSON.stringify(rows),
    temporal: histories.join(),
    log: log.join(),
  }
}

test('what a provider quotes of a prompt in an error is redacted in results, rows, events and logs; prompts and answers stay', async () => {
  const id = await createJob(stack, [
    { custom_id: 'bad', prompt: '[[simulate:patient_miller]] is ill' },
    { custom_id: 'good', prompt: 'Say C-77 and patient_jones.' },
  ])
  await jobAt(stack, id)
  const { item, ...others } = await told(id)
  for (const [where, text] of Object.entries(others)) {
    expect(text, where).not.toContain('patient_miller')
    if (where === 'results' || where === 'raw')
      expect(text, where).toContain('does not know the directive [[simulate:[redacted]]]')
  }
  const { line, result } = JSON.parse(item as string) as { line: { prompt: string }; result: { error: { message: string } } }
  expect(line.prompt).toContain('patient_miller')
  expect(result.error.message).toContain('[redacted]')
  // An answer is not touched: the simulator's repeats its prompt.
  expect(JSON.parse((others['results'] as string).trim().split('\n')[1] as string)).toMatchObject({
    custom_id: 'good',
    text: expect.stringContaining('patient_jones') as string,
  })
})

test('a key and a pattern in what a provider says of a refused call are redacted wherever it goes, failures of Temporal too', async () => {
  const control = simulatorControl(outside.url)
  const message = `Customer C-42: the key ${key} can not be used now`
  await control.addFault({ route: 'files.create', effect: 'status', status: 500, times: 1, message })
  await control.addFault({ route: 'batches.retrieve', effect: 'status', status: 401, times: 1, message })
  const id = await createJob(stack, [{ prompt: 'one' }], { provider: 'lab' })
  const paused = await jobAt(stack, id, ['paused'])
  expect(paused.pauseDetail).toContain('Customer [redacted]: the key [redacted] can not be used now')
  await stack.client.workflow.getHandle(`job-${id}`).signal('resume')
  await jobAt(stack, id)
  const everywhere = await told(id)
  for (const [where, text] of Object.entries(everywhere)) expect(text, where).not.toMatch(/C-42|the-real-key/)
  for (const where of ['events', 'temporal', 'log'])
    expect(everywhere[where], where).toContain('Customer [redacted]: the key [redacted] can not be used now')
})
