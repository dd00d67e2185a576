import Anthropic from '@anthropic-ai/sdk'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { simulatorControl } from '../simulator.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A body of a create, as it is sent: never all of it at once. */
async function* body(requests: number, bytesEach: number): AsyncGenerator<Buffer> {
  const filling = 'word '.repeat(bytesEach / 5)
  let text = '{"requests":['
  for (let index = 0; index < requests; index++) {
    const messages = [{ role: 'user', content: `Question ${index}: ${filling}` }]
    const params = { model: 'claude-haiku-4-5', max_tokens: 64, messages }
    text += `${index === 0 ? '' : ','}${JSON.stringify({ custom_id: `item-${index}`, params })}`
    if (text.length < 200_000) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(`${text}]}`)
}

/** The most memory that a process ever had, in MB. Only Linux tells. */
async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

describe('a create of 200 MB', () => {
  it.runIf(process.platform === 'linux')('lies on the disk, and not in memory', { timeout: 90_000 }, async () => {
    const options = JSON.stringify({ duration_ms: '1h' })
    const child = spawn(process.execPath, ['--max-old-space-size=128', join(import.meta.dirname, '..', 'main.ts'), options])
    children.push(child)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line.toString())?.[0] ?? ''
    const client = new Anthropic({ apiKey: 'sk-test', baseURL: `${url}/anthropic`, maxRetries: 0 })
    const create = async (requests: number): Promise<number> => {
      const batch = await client.post<Anthropic.Messages.MessageBatch>('/v1/messages/batches', { body: body(requests, 4000) })
      expect(batch.request_counts.processing).toBe(requests)
      return peakMegabytes(child.pid ?? 0)
    }
    const before = await create(5000)
    const after = await create(50_000)
    // 45,000 requests more are 180 MB; how much of them is on the way at once depends on how busy the machine is.
    expect(after - before).toBeLessThan(170)
    await client.messages.batches.cancel((await client.messages.batches.list()).data[0]?.id ?? '')
    const ended = async (): Promise<string | undefined> => (await simulatorControl(url).books()).batches.at(-1)?.status
    await expect.poll(ended, { timeout: 60_000 }).toBe('ended')
    expect((await peakMegabytes(child.pid ?? 0)) - before).toBeLessThan(200)
  })
})
