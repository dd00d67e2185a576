import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Batchwright } from '../../client/batchwright.ts'
import { parseDurationMs } from '../../core/durations.ts'
import { prepareDataDirectory } from '../../local/fixtures/own-ports.ts'
import { removePostgresCluster } from '../../local/postgres-cluster.ts'
import { startStack, type Stack } from '../../local/stack.ts'

/*
 * Ten prompts a provider through the whole way. What is found out here and nowhere else: that the provider takes what we write, names what we look for,
 * and bills what we book. BATCHWRIGHT_LIVE_TIMEOUT (default 24h) ends the wait, and cancels the jobs that are still open.
 */
const targets = [
  { provider: 'openai', keys: ['OPENAI_API_KEY'], model: process.env.BATCHWRIGHT_LIVE_OPENAI_MODEL ?? 'gpt-4.1-nano' },
  {
    provider: 'anthropic',
    keys: ['ANTHROPIC_API_KEY'],
    model: process.env.BATCHWRIGHT_LIVE_ANTHROPIC_MODEL ?? 'claude-haiku-4-5',
  },
  {
    provider: 'gemini',
    keys: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    model: process.env.BATCHWRIGHT_LIVE_GEMINI_MODEL ?? 'gemini-2.5-flash',
  },
] as const
const hasKey = (keys: readonly string[]) => keys.some((name) => (process.env[name] ?? '') !== '')
const isAnyGiven = targets.some(({ keys }) => hasKey(keys))
const deadline = AbortSignal.timeout(parseDurationMs(process.env.BATCHWRIGHT_LIVE_TIMEOUT ?? '24h'))

const count = 10
const items = Array.from({ length: count }, (_, index) => ({
  custom_id: `word-${index}`,
  prompt: `Reply with the word zebra${index}x and nothing else.`,
}))

let stack: Stack | undefined
let client: Batchwright
const parent = mkdtempSync(join(tmpdir(), 'batchwright-live-'))
const dataDir = join(parent, 'data')

beforeAll(async () => {
  if (!isAnyGiven) return
  await prepareDataDirectory(dataDir)
  stack = await startStack({ dataDir, port: 0, simulate: false })
  client = new Batchwright({ url: stack.apiUrl, apiKey: '' })
})

afterAll(async () => {
  await stack?.stop()
  removePostgresCluster(dataDir)
  rmSync(parent, { recursive: true, force: true })
})

for (const { provider, keys, model } of targets) {
  test
    .skipIf(!hasKey(keys))
    .concurrent(`ten prompts on ${provider}/${model}: ten answers, each at its own prompt, at a known cost`, async () => {
      expect(await client.providers.check(provider)).toMatchObject({ ok: true })
      const job = await client.jobs.create({ name: `live ${provider}`, provider, model, max_tokens: 500, items })
      expect(job.simulated).toBe(false)
      const ended = await client.jobs.wait(job.id, { signal: deadline }).catch(async (error: unknown) => {
        await client.jobs.cancel(job.id)
        throw error
      })
      expect(ended).toMatchObject({ status: 'completed', counts: { total: count, succeeded: count }, unpriced_items: 0 })
      const results = await Array.fromAsync(client.jobs.results(job.id))
      expect(results.map(({ custom_id: customId }) => customId)).toEqual(items.map(({ custom_id: customId }) => customId))
      for (const [index, result] of results.entries()) {
        expect(result.text, `answer to ${result.custom_id}`).toContain(`zebra${index}x`)
        expect(result.usage.input_tokens).toBeGreaterThan(0)
        expect(Number(result.cost_usd)).toBeGreaterThan(0)
      }
      expect(Number(ended.cost_usd)).toBeLessThan(0.05)
      const [batch, ...others] = await Array.fromAsync(client.jobs.batches(job.id))
      expect(others).toEqual([])
      expect(batch).toMatchObject({
        status: 'ended',
        result: 'completed',
        items: count,
        answered: count,
        submissions: [{ state: 'created' }],
      })
    })
}
