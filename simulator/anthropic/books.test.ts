import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import { keyFingerprint } from '../books.ts'
import { batchRequest, batchRequests, messageParams, simulatedWorkspaces } from '../testing/simulated-workspace.ts'

const simulatedWorkspace = simulatedWorkspaces(Anthropic)

describe('the books', () => {
  it('bill every answer once: a batch at half price, nothing for what failed', async () => {
    await using workspace = await simulatedWorkspace({ faults: ['items:transient:rate=0.3,first_attempts=always'] })
    const batch = await workspace.run(batchRequests(30))
    await workspace.control.clearFaults()
    const { usage } = await workspace.client.messages.create(messageParams('Hello', { model: 'claude-opus-4-8' }))
    const requests = await Array.fromAsync(workspace.control.requests())
    const inBatch = requests.filter(({ via }) => via === 'batch')
    expect(new Set(inBatch.map(({ custom_id }) => custom_id)).size).toBe(30)
    expect(inBatch.filter(({ billed }) => billed)).toHaveLength(batch.request_counts.succeeded)
    for (const line of inBatch) {
      // claude-haiku-4-5: 1,000 and 5,000 nano-dollars a token, halved.
      expect(Number(line.cost_nano_usd)).toBe(line.billed ? 500 * line.input_tokens + 2500 * line.output_tokens : 0)
      expect(line).toMatchObject({
        provider: 'anthropic',
        endpoint: '/v1/messages',
        key: keyFingerprint('sk-test'),
        batch_id: batch.id,
        status_code: line.billed ? 200 : 500,
      })
    }
    const realtimeCost = 5000 * usage.input_tokens + 25_000 * usage.output_tokens
    expect(requests.at(-1)).toMatchObject({ via: 'realtime', batch_id: null, cost_nano_usd: String(realtimeCost) })
    const { billed, batches, calls } = await workspace.control.books()
    const batchCost = inBatch.reduce((sum, line) => sum + BigInt(line.cost_nano_usd), 0n)
    expect(batches).toMatchObject([
      {
        provider: 'anthropic',
        id: batch.id,
        status: 'ended',
        model: 'claude-haiku-4-5',
        total: 30,
        finished: 30,
        failed: batch.request_counts.errored,
        cost_nano_usd: String(batchCost),
      },
    ])
    expect(billed.cost_nano_usd).toBe(String(batchCost + BigInt(realtimeCost)))
    expect(calls).toMatchObject({ 'anthropic/batches.create': 1, 'anthropic/messages': 1 })
    expect(batches[0]?.retrieved).toBe(calls['anthropic/batches.retrieve'])
  })

  it('bill a prefix that requests share: taken in once, then read', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { random_order: false } })
    const system = [{ type: 'text', text: 'A long instruction. '.repeat(400), cache_control: { type: 'ephemeral', ttl: '1h' } }]
    const batch = await workspace.run(['a', 'b', 'c'].map((id) => batchRequest(id, `Question ${id}`, { system })))
    const lines = await Array.fromAsync(workspace.control.requests())
    const written = lines[0]?.cache_creation_input_tokens ?? 0
    expect(written).toBeGreaterThan(1024)
    expect(lines.map(({ cache_read_input_tokens: read }) => read)).toEqual([0, written, written])
    // Halved: 2,000 nano-dollars a token to write it for an hour, 100 to read it.
    for (const [index, cachePrice] of [1000, 50, 50].entries()) {
      const { input_tokens: input = 0, output_tokens: output = 0, cost_nano_usd: cost } = lines[index] ?? {}
      expect(Number(cost)).toBe(500 * input + 2500 * output + cachePrice * written)
    }
    expect((await workspace.results(batch.id))[1]?.result).toMatchObject({
      message: { usage: { cache_read_input_tokens: written, cache_creation_input_tokens: 0 } },
    })
  })

  it('never hold an API key', async () => {
    await using workspace = await simulatedWorkspace()
    await workspace.run(batchRequests(1))
    const text = await (await fetch(`${workspace.simulator.url}/_simulator/books`)).text()
    expect(text).toContain(keyFingerprint('sk-test'))
    expect(text).not.toContain('sk-test')
  })
})

describe('look-alikes', () => {
  it('of a batch have its key, its size and its minute, results of their own, and are in no bill', async () => {
    await using workspace = await simulatedWorkspace()
    const { id, created_at: created } = await workspace.run(batchRequests(7))
    const alike = await workspace.control.makeLookAlikes({ batch_id: id, count: 2 })
    const listed = (await workspace.client.messages.batches.list()).data
    expect(listed.map((batch) => batch.id).sort()).toEqual([id, ...alike].sort())
    expect(new Set(listed.map((batch) => batch.created_at.slice(0, 16)))).toEqual(new Set([created.slice(0, 16)]))
    for (const other of alike) {
      const batch = await workspace.wait(other)
      expect(batch.request_counts.succeeded).toBe(7)
      const ids = (await workspace.results(other)).map(({ custom_id }) => custom_id)
      expect(ids.filter((customId) => customId.startsWith('item-'))).toEqual([])
    }
    const { batches, billed, create_calls: calls } = await workspace.control.books()
    expect(batches.map(({ foreign }) => foreign ?? false)).toEqual([false, true, true])
    expect(billed.batch.requests).toBe(7)
    expect(calls).toHaveLength(1)
    expect(await Array.fromAsync(workspace.control.requests())).toHaveLength(7)
  })

  it('need no batch of the caller’s', async () => {
    await using workspace = await simulatedWorkspace()
    const [id = ''] = await workspace.control.makeLookAlikes({ key: 'sk-test', requests: 3 })
    expect((await workspace.wait(id)).request_counts.succeeded).toBe(3)
    await expect(workspace.clientOf('sk-other').messages.batches.retrieve(id)).rejects.toMatchObject({ status: 404 })
    await expect(workspace.control.makeLookAlikes({})).rejects.toThrow('name a batch_id, or a key')
    await expect(workspace.control.makeLookAlikes({ batch_id: 'msgbatch_none' })).rejects.toThrow('no batch msgbatch_none')
    await expect(workspace.control.makeLookAlikes({ provider: 'openai', key: 'x' })).rejects.toThrow('no look-alikes at openai')
  })
})
