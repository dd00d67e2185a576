import { createReadStream, createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { peakBytes } from './peak-memory.ts'

/*
 * The script that everyone writes, as OpenAI's guide has it (https://developers.openai.com/api/docs/guides/batch): it survives nothing, stores nothing
 * but a file, and is what a whole job is compared to. `node bench/bare-script.ts prepare|run DIRECTORY …`.
 */
const model = 'gpt-5-mini'
const mostBytes = 200_000_000
const mostRequests = 50_000
const pollMs = 100

const [command, directory = '.', ...rest] = process.argv.slice(2)
if (command === 'prepare') await prepare(rest[0] ?? '')
else await run(rest[0] ?? '', Number(rest[1] ?? 1))

/** Writes the provider's own lines, in as many files as its limits need, and prints how many. Not timed: the script starts with its lines ready. */
async function prepare(inputPath: string): Promise<void> {
  let files = 0
  let bytes = Number.POSITIVE_INFINITY
  let requests = 0
  let file = createWriteStream('/dev/null')
  for await (const text of createInterface({ input: createReadStream(inputPath) })) {
    const { custom_id: customId, prompt } = JSON.parse(text) as { custom_id: string; prompt: string }
    const body = { model, messages: [{ role: 'user', content: prompt }] }
    const line = `${JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body })}\n`
    const lineBytes = Buffer.byteLength(line)
    if (bytes + lineBytes > mostBytes || requests >= mostRequests) {
      await end(file)
      file = createWriteStream(requestsPath(files))
      files += 1
      bytes = 0
      requests = 0
    }
    bytes += lineBytes
    requests += 1
    if (!file.write(line)) await once(file, 'drain')
  }
  await end(file)
  process.stdout.write(`${JSON.stringify({ files })}\n`)
}

async function run(baseUrl: string, files: number): Promise<void> {
  const client = new OpenAI({ apiKey: 'sk-bench', baseURL: baseUrl })
  const startedAt = performance.now()
  const open = new Set<string>()
  for (let index = 0; index < files; index++) {
    const input = await client.files.create({ file: createReadStream(requestsPath(index)), purpose: 'batch' })
    const batch = await client.batches.create({
      input_file_id: input.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })
    open.add(batch.id)
  }
  const uploadedAt = performance.now()
  const results = createWriteStream(join(directory, 'bare-results.jsonl'))
  let answers = 0
  let waitedMs = 0
  while (open.size > 0) {
    for (const id of open) {
      const batch = await client.batches.retrieve(id)
      if (batch.status === 'failed' || batch.status === 'expired') throw new Error(`batch ${id} ${batch.status}`)
      if (batch.status !== 'completed' || batch.output_file_id == null) continue
      open.delete(id)
      const content = await client.files.content(batch.output_file_id)
      for (const line of (await content.text()).split('\n')) {
        if (line === '') continue
        if (!results.write(`${JSON.stringify(resultOf(line))}\n`)) await once(results, 'drain')
        answers += 1
      }
    }
    if (open.size === 0) break
    const sleptAt = performance.now()
    await sleep(pollMs)
    waitedMs += performance.now() - sleptAt
  }
  await end(results)
  const endedAt = performance.now()
  const timing = {
    totalMs: endedAt - startedAt,
    uploadMs: uploadedAt - startedAt,
    waitMs: waitedMs,
    answers,
    peakBytes: peakBytes('self'),
  }
  process.stdout.write(`${JSON.stringify(timing)}\n`)
}

function resultOf(line: string): object {
  const { custom_id: customId, response } = JSON.parse(line) as {
    custom_id: string
    response: { body: { choices: Array<{ message: { content: string } }>; usage: object } }
  }
  return { custom_id: customId, text: response.body.choices[0]?.message.content, usage: response.body.usage }
}

function requestsPath(index: number): string {
  return join(directory, `bare-requests-${index}.jsonl`)
}

async function end(file: ReturnType<typeof createWriteStream>): Promise<void> {
  file.end()
  await finished(file)
}
