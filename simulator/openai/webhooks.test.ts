import Anthropic from '@anthropic-ai/sdk'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI, { InvalidWebhookSignatureError } from 'openai'
import { describe, expect, it } from 'vitest'
import type { SimulatorOptions } from '../options.ts'
import { batchRequests, simulatedWorkspaces } from '../testing/simulated-workspace.ts'
import { chatLines, simulatedProjects, type SimulatedProject } from '../testing/simulated-project.ts'
import { waitUntil } from '../testing/wait-until.ts'
import { startWebhookReceiver, type ReceivedWebhook } from '../testing/webhook-receiver.ts'
import type { WebhookDelivery } from '../webhook-log.ts'

const simulatedProject = simulatedProjects(OpenAI)
const secret = `whsec_${Buffer.from('a secret of this test').toString('base64')}`

/** As a receiver does it, with the official SDK. Throws for a wrong signature. */
const unwrap = ({ body, headers }: ReceivedWebhook, webhookSecret = secret): Promise<OpenAI.Webhooks.UnwrapWebhookEvent> =>
  new OpenAI({ apiKey: 'sk-test', webhookSecret }).webhooks.unwrap(body, headers)

const deliveries = async ({ control }: SimulatedProject): Promise<readonly WebhookDelivery[]> => (await control.books()).webhooks
const waitForDeliveries = (project: SimulatedProject, status: WebhookDelivery['status']): Promise<readonly WebhookDelivery[]> =>
  waitUntil(
    () => deliveries(project),
    (all) => all.length > 0 && all.every((delivery) => delivery.status === status),
  )

async function inDirectory(test: (options: SimulatorOptions) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'webhooks-test-'))
  try {
    await test({ data_dir: directory })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

describe('webhooks', () => {
  const ends: [string, string[], SimulatorOptions][] = [
    ['completed', chatLines(2), {}],
    ['failed', ['not JSON'], {}],
    ['expired', chatLines(5), { curve: 'stalled', window_ms: 50, duration_ms: 10 }],
    ['cancelled', chatLines(5), { curve: 'stalled', duration_ms: 10 }],
  ]
  it.each(ends)('tell once that a batch is %s, and the SDK takes them', async (status, lines, options) => {
    await using receiver = await startWebhookReceiver()
    await using project = await simulatedProject({
      openai_webhook_url: receiver.url,
      openai_webhook_secret: secret,
      ...options,
    })
    const { id } = await project.create(await project.upload(lines))
    if (status === 'cancelled') await project.client.batches.cancel(id)
    const batch = await project.wait(id)
    expect(batch.status).toBe(status)
    const [webhook] = await receiver.waitFor(1)
    if (webhook === undefined) throw new Error('nothing came')
    const endedAt = batch.completed_at ?? batch.failed_at ?? batch.expired_at ?? batch.cancelled_at
    expect(await unwrap(webhook)).toEqual({
      id: expect.stringMatching(/^evt_\w{32}$/),
      object: 'event',
      type: `batch.${status}`,
      created_at: endedAt,
      data: { id },
    })
    expect(webhook.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^OpenAI\//),
      'webhook-id': expect.stringMatching(/^wh_\w{32}$/),
      'webhook-signature': expect.stringMatching(/^v1,\S{44}$/),
    })
    const told = { provider: 'openai', id: webhook.headers['webhook-id'], type: `batch.${status}`, batch_id: id }
    expect(await waitForDeliveries(project, 'delivered')).toMatchObject([
      { ...told, attempts: [{ url: receiver.url, status: 200, error: null }] },
    ])
    expect(receiver.received).toHaveLength(1)
  })

  it('are refused by the SDK with another secret, or when somebody changed them', async () => {
    await using receiver = await startWebhookReceiver()
    await using project = await simulatedProject({ openai_webhook_url: receiver.url, openai_webhook_secret: secret })
    await project.run(chatLines(1))
    const [webhook] = await receiver.waitFor(1)
    if (webhook === undefined) throw new Error('nothing came')
    const changed = { ...webhook, body: webhook.body.replace('completed', 'cancelled') }
    await expect(unwrap(changed)).rejects.toThrow(InvalidWebhookSignatureError)
    await expect(unwrap(webhook, 'whsec_b3RoZXI=')).rejects.toThrow(InvalidWebhookSignatureError)
  })

  it('that are not taken come again with the same id, after growing pauses, signed anew; a redirection is not followed', async () => {
    await using receiver = await startWebhookReceiver()
    receiver.answerWith(500, 302, 404)
    await using project = await simulatedProject({
      openai_webhook_url: receiver.url,
      openai_webhook_secret: secret,
      webhook_pause_ms: 40,
    })
    const batch = await project.run(chatLines(1))
    expect(batch.status).toBe('completed')
    const [delivery] = await waitForDeliveries(project, 'delivered')
    expect(delivery?.attempts.map(({ status }) => status)).toEqual([500, 302, 404, 200])
    const times = delivery?.attempts.map(({ at }) => Date.parse(at)) ?? []
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0))
    for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(40 * 2 ** index)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1)
    for (const webhook of receiver.received) expect((await unwrap(webhook)).type).toBe('batch.completed')
  })

  it('are given up after a while, also where nobody listens, and change nothing in the batch', async () => {
    let nobody = ''
    {
      await using receiver = await startWebhookReceiver()
      nobody = receiver.url
    }
    await using project = await simulatedProject({
      openai_webhook_url: nobody,
      webhook_pause_ms: 20,
      webhook_retries_ms: 100,
    })
    const batch = await project.run(chatLines(3))
    expect(await project.results(batch.output_file_id)).toHaveLength(3)
    const [delivery] = await waitForDeliveries(project, 'given_up')
    expect(delivery?.attempts.length).toBeGreaterThan(1)
    expect(delivery?.attempts[0]).toMatchObject({ status: null, error: 'ECONNREFUSED' })
  })

  it('hold up neither a batch nor the end of the simulator when they are not answered', async () => {
    await using receiver = await startWebhookReceiver()
    receiver.answerWith('hold', 'hold')
    await using project = await simulatedProject({ openai_webhook_url: receiver.url })
    const both = await Promise.all([project.run(chatLines(2)), project.run(chatLines(2))])
    expect(both.map(({ status }) => status)).toEqual(['completed', 'completed'])
    await receiver.waitFor(2)
    expect((await deliveries(project)).map(({ status, attempts }) => [status, attempts.length])).toEqual([
      ['pending', 0],
      ['pending', 0],
    ])
  })

  it('go on after a restart under the same id, and never again once they were taken', async () => {
    await using receiver = await startWebhookReceiver()
    receiver.answerWith(503, 'hold')
    await inDirectory(async (options) => {
      const told = { ...options, openai_webhook_url: receiver.url, openai_webhook_secret: secret, webhook_pause_ms: 1 }
      {
        await using project = await simulatedProject(told)
        await project.run(chatLines(1))
        await receiver.waitFor(2)
      }
      {
        await using project = await simulatedProject(told)
        const [delivery] = await waitForDeliveries(project, 'delivered')
        expect(delivery?.attempts.map(({ status }) => status)).toEqual([503, 200])
      }
      await using project = await simulatedProject(told)
      await project.run(chatLines(1))
      await waitForDeliveries(project, 'delivered')
    })
    const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
    expect([new Set(ids.slice(0, 3)).size, new Set(ids).size, ids.length]).toEqual([1, 2, 4])
  })

  it('are not lost to a kill right behind the end of a batch', async () => {
    await using receiver = await startWebhookReceiver()
    receiver.answerWith('hold')
    await inDirectory(async (options) => {
      const told = { ...options, openai_webhook_url: receiver.url }
      {
        await using project = await simulatedProject(told)
        await project.run(chatLines(1))
        await receiver.waitFor(1)
      }
      await rm(join(options.data_dir ?? '', 'books', 'webhooks.jsonl'))
      await using project = await simulatedProject(told)
      await receiver.waitFor(2)
      expect(await waitForDeliveries(project, 'delivered')).toHaveLength(1)
    })
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })

  it('are of batches that end while there is an endpoint: none comes later, none after it was removed', async () => {
    await using receiver = await startWebhookReceiver()
    receiver.answerWith(500)
    await using project = await simulatedProject({ webhook_pause_ms: '1h' })
    await project.run(chatLines(1))
    await project.control.setOptions({ openai_webhook_url: receiver.url })
    const { id } = await project.run(chatLines(1))
    await waitUntil(
      () => deliveries(project),
      (all) => all[0]?.attempts.length === 1,
    )
    await project.control.setOptions({ openai_webhook_url: null, webhook_pause_ms: 0 })
    expect(await waitForDeliveries(project, 'given_up')).toMatchObject([{ batch_id: id }])
    expect(receiver.received).toHaveLength(1)
  })

  it('repeated_webhooks: taken, and there again with the same id', async () => {
    await using receiver = await startWebhookReceiver()
    await using project = await simulatedProject({ openai_webhook_url: receiver.url, quirks: { repeated_webhooks: 2 } })
    await project.run(chatLines(1))
    const received = await receiver.waitFor(3)
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })

  it('are not what Anthropic sends', async () => {
    await using receiver = await startWebhookReceiver()
    const urls = { openai_webhook_url: receiver.url, gemini_webhook_url: receiver.url }
    await using workspace = await simulatedWorkspaces(Anthropic)(urls)
    await workspace.run(batchRequests(2))
    expect((await workspace.control.books()).webhooks).toEqual([])
    expect(receiver.received).toEqual([])
  })
})
