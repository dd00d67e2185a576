import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { SimulatorOptions } from '../options.ts'
import { requestLines, simulatedGeminis, testModel, type SimulatedGemini } from '../testing/simulated-gemini.ts'
import { startWebhookReceiver, type ReceivedWebhook, type WebhookReceiver } from '../testing/webhook-receiver.ts'
import { standardWebhookSecret } from '../webhook-signature.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)

/** Google's SDK verifies nothing; both follow Standard Webhooks, so OpenAI's can. */
async function verified({ body, headers }: ReceivedWebhook): Promise<unknown> {
  await new OpenAI({ apiKey: 'sk-test' }).webhooks.verifySignature(body, headers, standardWebhookSecret)
  return JSON.parse(body)
}

async function onlyWebhook(receiver: WebhookReceiver): Promise<unknown> {
  const [webhook] = await receiver.waitFor(1)
  if (webhook === undefined) throw new Error('nothing came')
  expect(receiver.received).toHaveLength(1)
  return verified(webhook)
}

/** A batch that ends after the others: what was to be told of them before is told. */
async function runAnother(gemini: SimulatedGemini, receiver: WebhookReceiver): Promise<void> {
  await gemini.control.setOptions({ curve: 'linear', duration_ms: 0 })
  await gemini.run(requestLines(1))
  await receiver.waitFor(1)
}

describe('webhooks', () => {
  const ends: [string, string[], SimulatorOptions, object][] = [
    ['succeeded', requestLines(2), {}, { output_file_uri: expect.stringMatching(/^files\/batch-/) }],
    ['failed', ['not JSON'], {}, { error_code: 3, error_message: expect.stringContaining('line 1') }],
    ['expired', requestLines(5), { curve: 'stalled', window_ms: 50, duration_ms: 10 }, {}],
  ]
  it.each(ends)('tell that a batch %s, signed, and where its results are', async (event, lines, options, details) => {
    await using receiver = await startWebhookReceiver()
    await using gemini = await simulatedGemini({ gemini_webhook_url: receiver.url, ...options })
    const operation = await gemini.run(lines)
    const told = await onlyWebhook(receiver)
    expect(told).toEqual({
      type: `batch.${event}`,
      version: 'v1',
      timestamp: operation.metadata.endTime,
      data: { id: operation.name, ...details },
    })
    const file = operation.response?.responsesFile
    if (file !== undefined) expect(told).toMatchObject({ data: { output_file_uri: file } })
    const { webhooks } = await gemini.control.books()
    expect(webhooks).toMatchObject([{ provider: 'gemini', batch_id: operation.name, type: `batch.${event}` }])
  })

  it('name no file where the results come with the batch', async () => {
    await using receiver = await startWebhookReceiver()
    await using gemini = await simulatedGemini({ gemini_webhook_url: receiver.url })
    const { name } = await gemini.client.batches.create({ model: testModel, src: [{ contents: 'Hi' }] })
    expect(await onlyWebhook(receiver)).toMatchObject({ type: 'batch.succeeded', data: { id: name } })
    expect(receiver.received[0]?.body).not.toContain('output_file_uri')
  })

  it('say nothing of a batch that is cancelled', async () => {
    await using receiver = await startWebhookReceiver()
    await using gemini = await simulatedGemini({ gemini_webhook_url: receiver.url, curve: 'stalled', duration_ms: 10 })
    const { name = '' } = await gemini.create(requestLines(3))
    await gemini.client.batches.cancel({ name })
    await gemini.wait(name)
    await runAnother(gemini, receiver)
    expect(await onlyWebhook(receiver)).toMatchObject({ type: 'batch.succeeded' })
    expect((await gemini.control.books()).webhooks.map(({ batch_id: id }) => id)).not.toContain(name)
  })

  it('say nothing of a batch that has addresses of its own, which are not called', async () => {
    await using receiver = await startWebhookReceiver()
    await using own = await startWebhookReceiver()
    await using gemini = await simulatedGemini({ gemini_webhook_url: receiver.url })
    const webhookConfig = { uris: [own.url], userMetadata: { job: '7' } }
    const src = [{ contents: 'Hi' }]
    const { name = '' } = await gemini.client.batches.create({ model: testModel, src, config: { webhookConfig } })
    expect((await gemini.wait(name)).metadata.state).toBe('BATCH_STATE_SUCCEEDED')
    await runAnother(gemini, receiver)
    expect((await gemini.control.books()).webhooks.map(({ batch_id: id }) => id)).not.toContain(name)
    expect([receiver.received.length, own.received.length]).toEqual([1, 0])
  })

  it('of a batch have the fields that the API knows', async () => {
    await using gemini = await simulatedGemini()
    const batch = { inputConfig: { requests: { requests: [] } }, webhookConfig: { url: 'https://example.com' } }
    const path = `/v1beta/models/${testModel}:batchGenerateContent`
    const response = await gemini.call(path, { method: 'POST', body: JSON.stringify({ batch }) })
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('Unknown name \\"url\\"')])
  })

  it('go on after a failure until they are taken', async () => {
    await using receiver = await startWebhookReceiver()
    receiver.answerWith(500, 429)
    await using gemini = await simulatedGemini({ gemini_webhook_url: receiver.url, webhook_pause_ms: 5 })
    await gemini.run(requestLines(1))
    const received = await receiver.waitFor(3)
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    await verified(received[2] ?? { headers: {}, body: '' })
  })
})
