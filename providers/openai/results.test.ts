import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatItemId, parseItemId } from '../../core/item-id.ts'
import type { ProviderResult } from '../../formats/canonical-answer.ts'
import { noDefaults } from '../../formats/rendering.ts'
import { loadCatalog } from '../../models/catalog.ts'
import { simulatorControl, startSimulator, type Simulator, type SimulatorControl } from '../../simulator/simulator.ts'
import { isTerminalAtProvider, type Provider, type ProviderBatch } from '../provider.ts'
import { createOpenAiProvider } from './provider.ts'

const token = 'resultsresults00'
const signal = AbortSignal.timeout(10 * 60_000)
let simulator: Simulator
let control: SimulatorControl
let provider: Provider
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'batchwright-results-'))
  simulator = await startSimulator({ duration_ms: 20 })
  control = simulatorControl(simulator.url)
  provider = createOpenAiProvider(
    { name: 'openai', kind: 'openai', apiKey: 'sk-results', baseUrl: simulator.baseUrls.openai, simulated: true },
    loadCatalog(),
  )
})
afterEach(async () => {
  await simulator.close()
  await rm(directory, { recursive: true, force: true })
})

async function runBatch(count: number): Promise<ProviderBatch> {
  const defaults = { ...noDefaults, model: 'gpt-4o-mini' }
  const lines = Array.from({ length: count }, (_, index) =>
    provider.line(
      formatItemId(token, index + 1),
      provider.render({ kind: 'generate', messages: [{ role: 'user', content: `Number ${index + 1}` }] }, defaults),
    ),
  )
  const path = join(directory, 'input.jsonl')
  await writeFile(path, lines.map((line) => `${line}\n`).join(''))
  const endpoint = '/v1/chat/completions'
  const { inputFileId } = await provider.upload({ fileName: 'input', path, endpoint, signal })
  let batch = await provider.create({
    inputFileId,
    endpoint,
    model: 'gpt-4o-mini',
    displayName: 'results',
    signal,
    beforeSend: () => undefined,
  })
  const deadline = Date.now() + 15_000
  while (!isTerminalAtProvider(batch.status)) {
    if (Date.now() > deadline) throw new Error(`still ${batch.rawStatus}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    batch = await provider.retrieve(batch.id, signal)
  }
  return batch
}

const read = (batch: ProviderBatch): Promise<ProviderResult[]> => Array.fromAsync(provider.results(batch, signal))
const ownSeqs = (results: readonly ProviderResult[]): number[] =>
  results.map((result) => (result.itemId === null ? null : parseItemId(result.itemId, token))).filter((seq) => seq !== null)

test('answers of the output file and of the error file both come', async () => {
  await control.addFault('items:transient:rate=0.5')
  const batch = await runBatch(60)
  expect(batch.resultFileIds).toHaveLength(2)
  const results = await read(batch)
  expect(new Set(ownSeqs(results)).size).toBe(60)
  expect(results.some((result) => result.answer.error?.class === 'transient')).toBe(true)
  expect(results.some((result) => result.answer.error === null)).toBe(true)
})

test('repeated lines come repeated, and lines of others with their own ids', async () => {
  await control.setOptions({ quirks: { repeated_lines: 1, foreign_lines: 4 } })
  const results = await read(await runBatch(10))
  expect(results).toHaveLength(24)
  expect(ownSeqs(results)).toHaveLength(20)
})

test('a line that is not JSON is passed on as unreadable, and the others are not lost', async () => {
  await control.setOptions({ quirks: { invalid_json_lines: 0.5 } })
  const results = await read(await runBatch(40))
  const broken = results.filter((result) => result.answer.error?.code === 'unreadable_line')
  expect(broken.length).toBeGreaterThan(0)
  expect(broken.length).toBeLessThan(40)
  expect(results).toHaveLength(40)
  for (const result of broken) expect(result.answer.content).toBeNull()
})

test('a byte that is not UTF-8 costs no line', async () => {
  await control.setOptions({ quirks: { invalid_utf8_lines: 1 } })
  expect(new Set(ownSeqs(await read(await runBatch(10)))).size).toBe(10)
})

test('a line of 20 MB comes whole', async () => {
  await control.setOptions({ quirks: { long_line_bytes: 20_000_000 } })
  const results = await read(await runBatch(3))
  expect(Math.max(...results.map((result) => result.raw.length))).toBeGreaterThan(19_000_000)
  expect(new Set(ownSeqs(results)).size).toBe(3)
})

test('the files are believed, not the counts', async () => {
  await control.setOptions({ quirks: { lying_counts: true, empty_string_file_ids: true }, item_faults: [{ kind: 'transient' }] })
  const batch = await runBatch(10)
  expect(batch.counts).toEqual({ done: 10, failed: 0, total: 10 })
  const results = await read(batch)
  expect(results.map((result) => result.answer.error?.class)).toEqual(Array.from({ length: 10 }, () => 'transient'))
})

test('a file that is not there yet is transient; long after the end it is not found', async () => {
  await control.setOptions({ quirks: { output_file_delay_ms: '10m' } })
  const batch = await runBatch(2)
  await expect(read(batch)).rejects.toMatchObject({ kind: 'transient', code: 'file_not_ready' })
  await expect(read({ ...batch, endedAt: new Date(Date.now() - 3_600_000) })).rejects.toMatchObject({ kind: 'not_found' })
})

test('a reader that stops early ends the download', async () => {
  const batch = await runBatch(50)
  for await (const result of provider.results(batch, signal)) {
    expect(result.itemId).not.toBeNull()
    break
  }
  expect(await read(batch)).toHaveLength(50)
})
