import { once } from 'node:events'
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { peakBytes } from './peak-memory.ts'

/*
 * `node bench/bare-script.ts INPUT DIRECTORY BASE_URL`: the script that everyone writes, as OpenAI's guide has it
 * (https://developers.openai.com/api/docs/guides/batch). It survives nothing and stores nothing but a file, and is what a whole job is compared to.
 */
const model = 'gpt-5-mini'
const mostBytes = 200_000_000
const mostRequests = 50_000
const pollMs = 100

const [inputPath = '', directory = '', baseURL = ''] = process.argv.slice(2)
const client = new OpenAI({ apiKey: 'sk-bench', baseURL })

const startedAt = performance.now()
const requestFiles = await writeRequests()
const preparedAt = performance.now()
const open = await submit(requestFiles)
const submittedAt = performance.now()
const answers = await collect(open)
const timing = {
  prepareMs: preparedAt - startedAt,
  uploadMs: submittedAt - preparedAt,
  collectMs: performance.now() - submittedAt,
  answers,
  peakBytes: peakBytes('self'),
}
process.stdout.write(`${JSON.stringify(timing)}\n`)

/** Turns the input into the provider's own lines, in as many files as its limits need. */
async function writeRequests(): Promise<string[]> {
  const paths: string[] = []
  let file: WriteStream | null = null
  let bytes = 0
  let requests = 0
  for await (const text of createInterface({ input: createReadStream(inputPath, { highWaterMark: 1024 * 1024 }) })) {
    const { custom_id: customId, prompt } = JSON.parse(text) as { custom_id: string; prompt: string }
    const body = { model, messages: [{ role: 'user', content: prompt }] }
    const line = Buffer.from(`${JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body })}\n`)
    if (file === null || bytes + line.length > mostBytes || requests >= mostRequests) {
      if (file !== null) await end(file)
      const path = join(directory, `bare-requests-${paths.length}.jsonl`)
      paths.push(path)
      file = createWriteStream(path, { highWaterMark: 1024 * 1024 })
      bytes = 0
      requests = 0
    }
    bytes += line.length
    requests += 1
    if (!file.write(line)) await once(file, 'drain')
  }
  if (file !== null) await end(file)
  return paths
}

async function submit(paths: readonly string[]): Promise<Set<string>> {
  const batches = new Set<string>()
  for (const path of paths) {
    const input = await client.files.create({ file: createReadStream(path), purpose: 'batch' })
    const batch = await client.batches.create({
      input_file_id: input.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })
    batches.add(batch.id)
  }
  return batches
}

/** Polls until every batch has ended, and writes what it downloads as result lines. Returns how many. */
async function collect(batches: Set<string>): Promise<number> {
  const results = createWriteStream(join(directory, 'bare-results.jsonl'), { highWaterMark: 1024 * 1024 })
  let written = 0
  while (batches.size > 0) {
    await sleep(pollMs)
    for (const id of batches) {
      const batch = await client.batches.retrieve(id)
      if (batch.status === 'failed' || batch.status === 'expired') throw new Error(`batch ${id} ${batch.status}`)
      if (batch.status !== 'completed' || batch.output_file_id == null) continue
      batches.delete(id)
      const content = await client.files.content(batch.output_file_id)
      for (const line of (await content.text()).split('\n')) {
        if (line === '') continue
        if (!results.write(`${JSON.stringify(resultOf(line))}\n`)) await once(results, 'drain')
        written += 1
      }
    }
  }
  await end(results)
  return written
}

function resultOf(line: string): object {
  const { custom_id: customId, response } = JSON.parse(line) as {
    custom_id: string
    response: { body: { choices: Array<{ message: { content: string } }>; usage: object } }
  }
  return { custom_id: customId, text: response.body.choices[0]?.message.content, usage: response.body.usage }
}

async function end(file: WriteStream): Promise<void> {
  file.end()
  await finished(file)
}
