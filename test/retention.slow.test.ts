import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { insertJob } from './job-rows.ts'
import { createJob, jobAt, startJobStack } from './job-stack.ts'
import { afterwards, until } from './services.ts'

test('with `retention` the janitor deletes a job when its time is over, and what it cost stays in the ledger', async () => {
  const stack = await startJobStack({ simulator: { duration_ms: 50 }, yaml: 'retention: { jobs: 2s }' })
  afterwards(() => stack.stop())
  const { sql } = stack.db.database
  const id = await createJob(stack, [{ prompt: 'one' }, { prompt: 'two' }])
  const { endedAt } = await jobAt(stack, id)
  await until('the job to go', async () => (await sql`select 1 from jobs where id = ${id}`).length === 0)
  expect(Date.now() - Number(endedAt)).toBeGreaterThan(2000)
  const status = await stack.app.router.request(`http://127.0.0.1/v1/jobs/${id}`)
  expect(status.status).toBe(404)
  for (const table of ['items', 'outcomes', 'batches', 'events'])
    expect(await sql`select 1 from ${sql(table)} where job_id = ${id}`, table).toHaveLength(0)
  expect(await sql`select kind from ledger where job_id = ${id}`).toHaveLength(1)
})

test('a draft to which nobody adds anything is removed when its time is over', async () => {
  const stack = await startJobStack({ yaml: 'retention: { drafts: 2s }' })
  afterwards(() => stack.stop())
  const headers = { 'content-type': 'application/json', host: '127.0.0.1' }
  const draft = async () => {
    const body = JSON.stringify({ provider: 'openai', model: 'gpt-4o-mini', draft: true })
    const response = await stack.app.router.request('http://127.0.0.1/v1/jobs', { method: 'POST', headers, body })
    return ((await response.json()) as { id: string }).id
  }
  const id = await draft()
  const body = JSON.stringify({ items: [{ prompt: 'one' }] })
  await stack.app.router.request(`http://127.0.0.1/v1/jobs/${id}/items?part=1`, { method: 'POST', headers, body })
  const { sql } = stack.db.database
  expect(await sql`select 1 from items where job_id = ${id}`).toHaveLength(1)
  await until('the draft to go', async () => (await sql`select 1 from jobs where id = ${id}`).length === 0)
  for (const table of ['items', 'parts'])
    expect(await sql`select 1 from ${sql(table)} where job_id = ${id}`, table).toHaveLength(0)
})

test('a job whose end is still to be told stays, whatever its age', async () => {
  let isBack = false
  const receiver = createServer((_, response) => response.writeHead(isBack ? 204 : 503).end())
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const stack = await startJobStack({
    simulator: { duration_ms: 50 },
    yaml: `retention: { jobs: 1s }\nwebhooks: { url: '${url}' }`,
  })
  afterwards(async () => {
    await stack.stop()
    await new Promise((resolve) => receiver.close(resolve))
  })
  const { database } = stack.db
  const isThere = async (id: string) => (await database.sql`select 1 from jobs where id = ${id}`).length > 0
  const id = await createJob(stack, [{ prompt: 'one' }])
  const { endedAt } = await jobAt(stack, id)
  await until('its time to be over', () => Date.now() - Number(endedAt) > 1500)
  // One that nothing waits for is as old, and its end shows that the janitor has looked.
  const past = new Date(Date.now() - 60_000)
  const other = await insertJob(database, 1, { status: 'completed', createdAt: past, endedAt: past })
  await until('the janitor to look', async () => !(await isThere(other)))
  expect(await isThere(id)).toBe(true)
  isBack = true
  await until('the job to go, once its end is told', async () => !(await isThere(id)), 60_000)
})
