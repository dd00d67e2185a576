import OpenAI from 'openai'
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { faultCatalogue, keyFingerprint, type BilledRequest } from './simulator.ts'
import { chatLines, simulatedProjects } from './testing/simulated-project.ts'

const simulatedProject = simulatedProjects(OpenAI)

describe('the control endpoint', () => {
  it('refuses a web page of another origin, and another Host', async () => {
    await using project = await simulatedProject()
    const status = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request(`${project.simulator.url}/_simulator/books`, { headers }, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end()
      })
    expect(await status({})).toBe(200)
    expect(await status({ origin: `http://localhost:${project.simulator.port}` })).toBe(200)
    expect(await status({ origin: 'https://example.com' })).toBe(403)
    expect(await status({ origin: 'null' })).toBe(403)
    expect(await status({ host: 'rebound.example.com' })).toBe(403)
  })

  it('says what is wrong with a fault or an option, and changes nothing', async () => {
    await using project = await simulatedProject()
    await expect(project.control.addFault('batches.create:explode')).rejects.toThrow('no effect \\"explode\\"')
    await expect(project.control.addFault('batches.creat:refuse')).rejects.toThrow('no route \\"batches.creat\\"')
    await expect(project.control.addFault('openai/batches.results:refuse')).rejects.toThrow('no route')
    await expect(project.control.addFault('items:transient:rate=2')).rejects.toThrow('rate')
    await expect(project.control.setOptions({ curve: 'odd' as 'linear' })).rejects.toThrow('curve')
    await expect(project.control.setOptions({ nonsense: 1 } as object)).rejects.toThrow('nonsense')
    const faults = (await (await fetch(`${project.simulator.url}/_simulator/faults`)).json()) as {
      http_faults: unknown[]
      item_faults: unknown[]
    }
    expect([faults.http_faults, faults.item_faults]).toEqual([[], []])
  })

  it('takes a fault for one route, for several, and for those of one provider', async () => {
    await using project = await simulatedProject()
    for (const route of ['*', 'files.*', 'anthropic/batches.*', 'gemini/batches.create'])
      await project.control.addFault(`${route}:refuse:skip=1000000`)
    const faults = (await (await fetch(`${project.simulator.url}/_simulator/faults`)).json()) as { http_faults: unknown[] }
    expect(faults.http_faults).toHaveLength(4)
  })

  it('takes several faults at once, and lists and removes them', async () => {
    await using project = await simulatedProject()
    const url = `${project.simulator.url}/_simulator/faults`
    const body = JSON.stringify({
      faults: [
        'batches.create:refuse',
        'items:refusal:rate=0.5',
        'quirk:lying_counts',
        { route: '*', effect: 'delay', delay_ms: '1ms' },
      ],
    })
    const added = (await (await fetch(url, { method: 'POST', body })).json()) as {
      http_faults: { id: string }[]
      item_faults: object[]
      quirks: object
    }
    expect(added.http_faults.map(({ id }) => id)).toEqual(['fault-1', 'fault-2'])
    expect(added).toMatchObject({
      item_faults: [{ kind: 'refusal', rate: 0.5 }],
      quirks: { lying_counts: true, random_order: true },
    })
    await fetch(`${url}?id=fault-1`, { method: 'DELETE' })
    const cleared = (await (await fetch(url, { method: 'DELETE' })).json()) as object
    expect(cleared).toMatchObject({ http_faults: [], item_faults: [], fail_rate: 0, quirks: { lying_counts: true } })
  })

  it('serves the catalogue of faults', async () => {
    await using project = await simulatedProject()
    const { data } = (await (await fetch(`${project.simulator.url}/_simulator/catalogue`)).json()) as { data: unknown }
    expect(data).toEqual(faultCatalogue)
  })
})

describe('the books', () => {
  it('bill every answer once: a batch at half price, nothing for what failed', async () => {
    await using project = await simulatedProject({ faults: ['items:transient:rate=0.3,first_attempts=always'] })
    const batch = await project.run(chatLines(30))
    await project.control.clearFaults()
    const messages = [{ role: 'user' as const, content: 'Hello' }]
    const { usage } = await project.client.chat.completions.create({ model: 'gpt-4o', messages })
    const requests: BilledRequest[] = []
    for await (const line of project.control.requests()) requests.push(line)
    const inBatch = requests.filter(({ via }) => via === 'batch')
    expect(inBatch).toHaveLength(30)
    expect(new Set(inBatch.map(({ custom_id }) => custom_id)).size).toBe(30)
    expect(inBatch.filter(({ billed }) => billed)).toHaveLength(batch.request_counts?.completed ?? -1)
    for (const line of inBatch) {
      // gpt-4o-mini: 150 and 600 nano-dollars a token, halved.
      expect(Number(line.cost_nano_usd)).toBe(line.billed ? 75 * line.input_tokens + 300 * line.output_tokens : 0)
      expect(line).toMatchObject({ key: keyFingerprint('sk-test'), batch_id: batch.id, status_code: line.billed ? 200 : 500 })
    }
    const realtimeCost = 2500 * (usage?.prompt_tokens ?? 0) + 10_000 * (usage?.completion_tokens ?? 0)
    expect(requests.at(-1)).toMatchObject({ via: 'realtime', batch_id: null, cost_nano_usd: String(realtimeCost) })
    const { billed, batches } = await project.control.books()
    const batchCost = inBatch.reduce((sum, line) => sum + BigInt(line.cost_nano_usd), 0n)
    expect(batches).toMatchObject([
      {
        id: batch.id,
        status: 'completed',
        total: 30,
        finished: 30,
        input_filename: 'input.jsonl',
        cost_nano_usd: String(batchCost),
      },
    ])
    expect(billed.cost_nano_usd).toBe(String(batchCost + BigInt(realtimeCost)))
    expect(batch.usage?.output_tokens).toBe(inBatch.reduce((sum, line) => sum + line.output_tokens, 0))
  })

  it('count every call, and every time a batch was asked for', async () => {
    await using project = await simulatedProject()
    const batch = await project.run(chatLines(1))
    const before = (await project.control.books()).batches[0]?.retrieved ?? 0
    await project.client.batches.retrieve(batch.id)
    const { batches, calls } = await project.control.books()
    expect(batches[0]?.retrieved).toBe(before + 1)
    expect(calls).toMatchObject({ 'openai/files.create': 1, 'openai/batches.create': 1, 'openai/batches.retrieve': before + 1 })
  })

  it('never hold an API key', async () => {
    await using project = await simulatedProject()
    await project.upload(chatLines(1))
    const text = await (await fetch(`${project.simulator.url}/_simulator/books`)).text()
    expect(text).toContain(keyFingerprint('sk-test'))
    expect(text).not.toContain('sk-test')
  })
})
