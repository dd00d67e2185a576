import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { items } from '../db/schema.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { batchesOf, eventTypes } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { until } from './services.ts'

interface Delivery {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const key = Buffer.from('a key of thirty-two bytes, or so.')
const received: Delivery[] = []
/** How many of the next calls are refused. */
let refusals = 0
const webhook = createServer((request, response) => {
  void (async () => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string
    received.push({ headers: request.headers, body })
    response.statusCode = refusals-- > 0 ? 503 : 204
    response.end()
  })()
})

let stack: JobStack
beforeAll(async () => {
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/hook`
  stack = await startJobStack({ yaml: `webhooks: { url: '${url}', secret: whsec_${key.toString('base64')} }\n` })
})
afterAll(async () => {
  await stack.stop()
  await new Promise((resolve) => webhook.close(resolve))
})

/** What the receiver was told about a job. */
function deliveriesOf(jobId: string): Array<Delivery & { type: string; data: { id: string } }> {
  return received
    .map((delivery) => ({ ...delivery, ...(JSON.parse(delivery.body) as { type: string; data: { id: string } }) }))
    .filter(({ data }) => data.id === jobId)
}

test('the end of a job is told once it can be, signed, under one id however often it is tried', async () => {
  refusals = 2
  const jobId = await createJob(stack, [{ prompt: 'Webhook: what is 1 + 1?' }])
  await until('its delivery', async () => (await eventTypes(stack, jobId)).includes('webhook_delivered'), 30_000)
  const deliveries = deliveriesOf(jobId)
  expect(deliveries).toHaveLength(3)
  expect(new Set(deliveries.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  for (const { headers, body } of deliveries) {
    const signed = `${headers['webhook-id'] as string}.${headers['webhook-timestamp'] as string}.${body}`
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
  }
  expect(deliveries[0]).toMatchObject({
    type: 'job.completed',
    data: { id: jobId, status: 'completed', simulated: true, counts: { total: 1, succeeded: 1, failed: 0 } },
  })
}, 40_000)

test('a job that could not run at all is told as failed', async () => {
  const control = simulatorControl(stack.simulator.url)
  await control.setOptions({ duration_ms: 60_000 })
  const jobId = await createJob(stack, [{ prompt: 'Broken: what is 1 + 1?' }, { prompt: 'Broken: what is 2 + 1?' }])
  await until('its batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  // No job can lose an item; this one is made to, by hand.
  await stack.db.database.drizzle.delete(items).where(eq(items.jobId, jobId))
  await control.setOptions({ duration_ms: 0 })
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'failed', errorCode: 'invariant_broken' })
  await until('its delivery', () => deliveriesOf(jobId).length > 0)
  expect(deliveriesOf(jobId)).toMatchObject([{ type: 'job.failed', data: { status: 'failed' } }])
})
