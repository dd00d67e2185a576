import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import OpenAI, { toFile } from 'openai'
import { simulatorControl, startSimulator, type SimulatorOptions } from './simulator.ts'
import { chatLine, chatLines, simulatedProjects } from './testing/simulated-project.ts'

const simulatedProject = simulatedProjects(OpenAI)

let directory = ''
const children: ChildProcess[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'simulator-test-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

async function startProcess(options: SimulatorOptions): Promise<{ child: ChildProcess; url: string; line: string }> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), JSON.stringify({ data_dir: directory, ...options })],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  children.push(child)
  const [data] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, line: data.toString(), url: /http:\/\/127\.0\.0\.1:\d+/.exec(data.toString())?.[0] ?? '' }
}

describe('the simulator', () => {
  it('as a process says where it is, goes on after a kill -9, and stops at SIGTERM', async () => {
    const first = await startProcess({ curve: 'stalled', duration_ms: 20 })
    expect(first.line).toMatch(
      /^simulator ready: http:\/\/127\.0\.0\.1:\d+ \(OPENAI_BASE_URL=\S+\/openai\/v1 ANTHROPIC_BASE_URL=\S+\/anthropic GOOGLE_GEMINI_BASE_URL=\S+\/gemini\)\n$/,
    )
    const before = new OpenAI({ apiKey: 'sk-test', baseURL: `${first.url}/openai/v1`, maxRetries: 0 })
    const lines = [...chatLines(10), chatLine('failing', 'Hello [[simulate:transient times=1]]')]
    const file = await before.files.create({ file: await toFile(Buffer.from(lines.join('\n')), 'in.jsonl'), purpose: 'batch' })
    const { id } = await before.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })
    await expect.poll(async () => (await before.batches.retrieve(id)).status).toBe('in_progress')
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')

    const second = await startProcess({ duration_ms: 20 })
    const after = new OpenAI({ apiKey: 'sk-test', baseURL: `${second.url}/openai/v1`, maxRetries: 0 })
    await expect.poll(async () => (await after.batches.retrieve(id)).status, { timeout: 5000 }).toBe('completed')
    expect((await after.batches.retrieve(id)).request_counts).toEqual({ total: 11, completed: 10, failed: 1 })
    second.child.kill('SIGTERM')
    expect(await once(second.child, 'exit')).toEqual([0, null])
  })

  it('keeps files, results, books and attempts in its data directory', async () => {
    const lines = [chatLine('a', 'Hello [[simulate:transient times=2]]'), chatLine('b', 'Hello')]
    let fileId = ''
    let outputId = ''
    {
      await using project = await simulatedProject({ data_dir: directory })
      fileId = await project.upload(lines)
      outputId = (await project.wait((await project.create(fileId)).id)).output_file_id ?? ''
    }
    for (const failed of [1, 0]) {
      await using project = await simulatedProject({ data_dir: directory })
      expect(await project.results(outputId)).toMatchObject([{ custom_id: 'b' }])
      expect((await project.wait((await project.create(fileId)).id)).request_counts?.failed).toBe(failed)
    }
    await using project = await simulatedProject({ data_dir: directory })
    const books = await project.control.books()
    expect(books.batches.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed'])
    expect(books.billed.batch.requests).toBe(1 + 1 + 2)
    expect(books.create_calls.map(({ route }) => route)).toEqual(['files.create', ...Array(3).fill('batches.create')])
  })

  it('finishes a cancel that a kill interrupted', async () => {
    let id = ''
    {
      await using project = await simulatedProject({
        data_dir: directory,
        curve: 'stalled',
        duration_ms: 10,
        cancelling_ms: 60_000,
      })
      id = (await project.create(await project.upload(chatLines(10)))).id
      await project.wait(id, ({ request_counts: counts }) => counts?.completed === 6)
      await project.client.batches.cancel(id)
    }
    await using project = await simulatedProject({ data_dir: directory })
    const batch = await project.wait(id)
    expect(batch).toMatchObject({ status: 'cancelled', request_counts: { total: 10, completed: 6, failed: 0 } })
    expect(await project.results(batch.output_file_id)).toHaveLength(6)
  })

  it('drops the half line and the half file of a kill', async () => {
    let id = ''
    {
      await using project = await simulatedProject({ data_dir: directory })
      id = (await project.run(chatLines(2))).id
    }
    await appendFile(join(directory, 'openai', 'journal.jsonl'), '{"type":"batch_created","ba')
    await writeFile(join(directory, 'openai', 'files', 'file-half.part'), 'x')
    for (let start = 0; start < 2; start++) {
      await using project = await simulatedProject({ data_dir: directory })
      expect((await project.client.batches.list()).data.map((batch) => batch.id)).toContain(id)
      await project.run(chatLines(1))
    }
    expect(await readdir(join(directory, 'openai', 'files'))).not.toContain('file-half.part')
  })

  it('needs an input file that was deleted only until the batch ends', async () => {
    let id = ''
    {
      await using project = await simulatedProject({ data_dir: directory, curve: 'stalled', duration_ms: 10 })
      const fileId = await project.upload(chatLines(5))
      id = (await project.create(fileId)).id
      await project.wait(id, ({ request_counts: counts }) => counts?.completed === 3)
      await project.client.files.delete(fileId)
    }
    await using project = await simulatedProject({ data_dir: directory })
    expect((await project.wait(id)).request_counts).toEqual({ total: 5, completed: 5, failed: 0 })
  })

  it('does not wait for slow answers when it stops', async () => {
    const project = await simulatedProject({ realtime_delay_ms: '1h', faults: ['batches.list:delay:delay_ms=1h'] })
    const slow = Promise.allSettled([
      project.client.batches.list(),
      project.client.responses.create({ model: 'gpt-4o', input: 'x' }),
    ])
    await expect.poll(async () => Object.keys((await project.control.books()).calls).length).toBe(2)
    await project.simulator.close()
    expect((await slow).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('removes its temporary directory, and says when its port is taken', async () => {
    const simulator = await startSimulator()
    await expect(startSimulator({ port: simulator.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await simulatorControl(simulator.url).books()
    await simulator.close()
    await expect(fetch(simulator.url)).rejects.toThrow('fetch failed')
  })
})
