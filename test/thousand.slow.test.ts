import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Batchwright, type Job, type Result } from '../client/batchwright.ts'
import { anthropicAnswerFor, answerFor, geminiAnswerFor } from '../simulator/simulator.ts'
import { startCliStack, type CliStack } from './cli-stack.ts'

// A thousand items on each provider, by each of the three ways in: a thousand right answers, in the order of the input.

const run = promisify(execFile)
const hasCurl = spawnSync('curl', ['--version']).status === 0
const count = 1000
const items = Array.from({ length: count }, (_, index) => ({
  custom_id: `item-${index + 1}`,
  prompt: `Number ${index + 1}: “é” and a\nline end?`,
  max_tokens: 300,
  metadata: { row: index + 1 },
}))

/** What the simulator says to a prompt, by provider. */
const targets = {
  openai: {
    model: 'gpt-4o-mini',
    answer: (content: string) => {
      const body = answerFor('/v1/chat/completions', { model: 'gpt-4o-mini', messages: [{ role: 'user', content }] })
      return 'choices' in body ? body.choices[0]?.message.content : null
    },
  },
  anthropic: {
    model: 'claude-sonnet-4-5',
    answer: (content: string) =>
      anthropicAnswerFor({ model: 'claude-sonnet-4-5', max_tokens: 300, messages: [{ role: 'user', content }] })
        .content.flatMap((block) => (block.type === 'text' ? [block.text] : []))
        .join(''),
  },
  gemini: {
    model: 'gemini-2.5-flash',
    answer: (content: string) =>
      geminiAnswerFor('gemini-2.5-flash', { contents: [{ role: 'user', parts: [{ text: content }] }] })
        .candidates?.[0]?.content?.parts?.map(({ text }) => text)
        .join(''),
  },
} as const

let running: CliStack | undefined
let api: CliStack['api']
let cli: CliStack['cli']
const directory = mkdtempSync(join(tmpdir(), 'batchwright-thousand-'))
const file = join(directory, 'items.jsonl')

beforeAll(async () => {
  writeFileSync(file, items.map((item) => `${JSON.stringify(item)}\n`).join(''))
  running = await startCliStack({
    simulator: { duration_ms: 300 },
    environment: { BATCHWRIGHT_SIMULATE: 'openai,anthropic,gemini' },
  })
  ;({ api, cli } = running)
})

afterAll(async () => {
  await running?.stop()
  rmSync(directory, { recursive: true, force: true })
})

const ways = {
  async CLI(provider: string, model: string): Promise<string> {
    const submitted = await cli.run('submit', file, '-m', `${provider}/${model}`, '--wait')
    expect(submitted.code, submitted.stderr).toBe(0)
    const { code, stdout, stderr } = await cli.run('results', submitted.stdout.trim())
    expect(code, stderr).toBe(0)
    return stdout
  },
  async client(provider: string, model: string): Promise<string> {
    const client = new Batchwright({ url: api.url, apiKey: '' })
    async function* stream() {
      for (const item of items) yield await Promise.resolve(item)
    }
    const { id } = await client.jobs.create({ provider, model, items: stream() })
    expect(await client.jobs.wait(id)).toMatchObject({ status: 'completed', counts: { succeeded: count } })
    const results = await Array.fromAsync(client.jobs.results(id))
    return results.map((result) => JSON.stringify(result)).join('\n')
  },
  async curl(provider: string, model: string): Promise<string> {
    const curl = async (...args: string[]) =>
      (await run('curl', ['--fail-with-body', '--silent', '--show-error', ...args], { maxBuffer: 50e6 })).stdout
    const spec = JSON.stringify({ provider, model })
    const { id } = JSON.parse(
      await curl('-F', `job=${spec};type=application/json`, '-F', `file=@${file}`, `${api.url}/v1/jobs`),
    ) as Job
    // The stream ends with the job.
    await curl('--no-buffer', `${api.url}/v1/jobs/${id}/stream`)
    await curl('--output', join(directory, 'results.jsonl'), `${api.url}/v1/jobs/${id}/results`)
    return readFileSync(join(directory, 'results.jsonl'), 'utf8')
  },
}

describe.each(Object.keys(targets) as Array<keyof typeof targets>)('%s', (provider) => {
  const { model, answer } = targets[provider]
  test.for(Object.keys(ways) as Array<keyof typeof ways>)(
    'by %s: a thousand right answers in order',
    { timeout: 60_000 },
    async (way, context) => {
      if (way === 'curl' && !hasCurl) context.skip('this machine has no curl')
      const text = await ways[way](provider, model)
      const results = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Result)
      expect(results.map(({ custom_id: customId, seq }) => [customId, seq])).toEqual(
        items.map((item, index) => [item.custom_id, index + 1]),
      )
      for (const [index, result] of results.entries()) {
        const { prompt, metadata } = items[index] as (typeof items)[number]
        expect(result).toMatchObject({ status: 'succeeded', provider, text: answer(prompt), metadata, simulated: true })
      }
    },
  )
})
