import { GoogleGenAI } from '@google/genai'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileWriter } from '../file-writer.ts'
import { requestLine, testModel } from '../testing/simulated-gemini.ts'
import { waitUntil } from '../testing/wait-until.ts'

const children: ChildProcess[] = []
let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'simulator-test-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

async function writeInput(lines: number): Promise<string> {
  const path = join(directory, `${lines}.jsonl`)
  const writer = await createFileWriter(path)
  const filling = 'word '.repeat(800)
  for (let index = 0; index < lines; index++)
    await writer.write(Buffer.from(`${requestLine(`item-${index}`, `Question ${index}: ${filling}`)}\n`))
  await writer.close()
  return path
}

/** The most memory that a process ever had, in MB. Only Linux tells. */
async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

describe('an input of 120 MB', () => {
  it.runIf(process.platform === 'linux')('lies on the disk, and not in memory', { timeout: 90_000 }, async () => {
    const options = JSON.stringify({ duration_ms: 0 })
    const child = spawn(process.execPath, ['--max-old-space-size=128', join(import.meta.dirname, '..', 'main.ts'), options])
    children.push(child)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const baseUrl = `${/http:\/\/127\.0\.0\.1:\d+/.exec(line.toString())?.[0]}/gemini`
    const client = new GoogleGenAI({ apiKey: 'sk-test', vertexai: false, httpOptions: { baseUrl } })
    const run = async (lines: number): Promise<number> => {
      const { name: src = '' } = await client.files.upload({
        file: await writeInput(lines),
        config: { mimeType: 'application/jsonl' },
      })
      const { name = '' } = await client.batches.create({ model: testModel, src })
      const ended = async (): Promise<string> => (await client.batches.get({ name })).state ?? ''
      await waitUntil(ended, (state) => state === 'JOB_STATE_SUCCEEDED', 60_000)
      return peakMegabytes(child.pid ?? 0)
    }
    const before = await run(3000)
    expect((await run(30_000)) - before).toBeLessThan(150)
  })
})
