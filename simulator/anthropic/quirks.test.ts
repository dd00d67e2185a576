import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import { answerText, batchRequest, batchRequests, messageParams, simulatedWorkspaces } from '../testing/simulated-workspace.ts'
import type { ResultLine } from './wire.ts'
import { anthropicPromptFingerprint } from './answer.ts'

const simulatedWorkspace = simulatedWorkspaces(Anthropic)

const ids = (lines: readonly ResultLine[]): string[] => lines.map(({ custom_id }) => custom_id)
const numbers = (count: number): string[] => batchRequests(count).map(({ custom_id }) => custom_id)
const markOf = (index: number): string => `[sim:${anthropicPromptFingerprint({ ...messageParams(`Question ${index}`) })}]`

describe('quirks', () => {
  it('random_order=false: results in the order of the requests', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { random_order: false } })
    expect(ids(await workspace.results((await workspace.run(batchRequests(20))).id))).toEqual(numbers(20))
  })

  it('lying_counts: all succeeded, whatever the results say', async () => {
    await using workspace = await simulatedWorkspace({ faults: ['quirk:lying_counts', 'items:transient:rate=1'] })
    const batch = await workspace.run(batchRequests(4))
    expect(batch.request_counts).toMatchObject({ succeeded: 4, errored: 0 })
    expect((await workspace.results(batch.id)).map(({ result }) => result.type)).toEqual(Array(4).fill('errored'))
  })

  it('output_file_delay_ms: ended, but no results yet', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { output_file_delay_ms: '10m' } })
    const batch = await workspace.run(batchRequests(1))
    await expect(workspace.results(batch.id)).rejects.toMatchObject({ status: 404 })
    await workspace.control.setOptions({ quirks: { output_file_delay_ms: 0 } })
    expect(await workspace.results(batch.id)).toHaveLength(1)
  })

  it('list_delay_ms and retrieve_delay_ms: a new batch that is not yet there', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { list_delay_ms: '10m', retrieve_delay_ms: '10m' } })
    const { batches } = workspace.client.messages
    const { id } = await workspace.create(batchRequests(1))
    expect((await batches.list()).data).toEqual([])
    await expect(batches.retrieve(id)).rejects.toMatchObject({ status: 404, apiMessage: `Message Batch ${id} not found.` })
    await workspace.control.setOptions({ quirks: { list_delay_ms: 0, retrieve_delay_ms: 0 } })
    expect((await batches.list()).data.map((batch) => batch.id)).toEqual([id])
    expect((await workspace.wait(id)).request_counts.succeeded).toBe(1)
  })

  it('repeated_lines: every result twice', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { repeated_lines: 1 } })
    const batch = await workspace.run(batchRequests(2))
    expect(ids(await workspace.results(batch.id)).sort()).toEqual(['item-0', 'item-0', 'item-1', 'item-1'])
  })

  it('missing_lines: nowhere, yet charged and counted', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { missing_lines: 0.5 } })
    const batch = await workspace.run(batchRequests(40))
    const delivered = (await workspace.results(batch.id)).length
    expect(delivered).toBeGreaterThan(0)
    expect(delivered).toBeLessThan(40)
    expect(batch.request_counts.succeeded).toBe(40)
    expect((await workspace.control.books()).batches[0]).toMatchObject({ billed_requests: 40, delivered_requests: delivered })
  })

  it('foreign_lines: lines of nobody and of another batch', async () => {
    await using workspace = await simulatedWorkspace()
    await workspace.run([batchRequest('of-another-batch', 'X')])
    await workspace.control.addFault('quirk:foreign_lines=2')
    const batch = await workspace.run(batchRequests(2))
    expect(ids(await workspace.results(batch.id)).sort()).toEqual(['item-0', 'item-1', 'nobody-0', 'of-another-batch'])
  })

  it('swapped_keys: answers at the custom_id of another request, none lost', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { swapped_keys: 1 } })
    const lines = await workspace.results((await workspace.run(batchRequests(6))).id)
    expect(ids(lines).sort()).toEqual(numbers(6))
    expect(lines.every((line) => !answerText(line).includes(markOf(Number(line.custom_id.slice(5)))))).toBe(true)
    expect(new Set(lines.map(answerText)).size).toBe(6)
  })

  it('invalid_json_lines: lines that break off, charged but not delivered', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { invalid_json_lines: 1 } })
    const batch = await workspace.run(batchRequests(3))
    const lines = (await workspace.rawResults(batch.id)).toString().trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(() => JSON.parse(line) as unknown).toThrow(SyntaxError)
    expect((await workspace.control.books()).batches[0]).toMatchObject({ billed_requests: 3, delivered_requests: 0 })
  })

  it.each([
    ['a text', {}],
    ['a tool call', { tools: [{ name: 'x', input_schema: { type: 'object' } }], tool_choice: { type: 'any' } }],
  ])('invalid_utf8_lines: a byte that is not UTF-8 in valid JSON, in %s', async (_name, more) => {
    await using workspace = await simulatedWorkspace({ quirks: { invalid_utf8_lines: 1 } })
    const bytes = await workspace.rawResults((await workspace.run([batchRequest('a', 'A', more)])).id)
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow(TypeError)
    expect(JSON.parse(bytes.toString())).toMatchObject({ custom_id: 'a', result: { type: 'succeeded' } })
  })

  it('long_line_bytes: one long line with the same content', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { long_line_bytes: 300_000 } })
    const batch = await workspace.run(batchRequests(2))
    const lines = (await workspace.rawResults(batch.id)).toString().split('\n')
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line) + 1))).toBe(300_000)
    expect(await workspace.results(batch.id)).toHaveLength(2)
  })

  it('truncated_downloads: the first download breaks off, the next is whole', async () => {
    await using workspace = await simulatedWorkspace({ quirks: { truncated_downloads: 1 } })
    const batch = await workspace.run(batchRequests(20))
    await expect(workspace.results(batch.id)).rejects.toThrow('terminated')
    expect(await workspace.results(batch.id)).toHaveLength(20)
  })
})
