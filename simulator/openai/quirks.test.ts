import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { chatLine, chatLines, simulatedProjects, textOf } from '../testing/simulated-project.ts'
import { promptFingerprint } from './answer.ts'

const simulatedProject = simulatedProjects(OpenAI)

const markOf = (index: number): string =>
  `[sim:${promptFingerprint('/v1/chat/completions', { messages: [{ role: 'user', content: `Question ${index}` }] })}]`
const numbers = (count: number): string[] => chatLines(count).map((_line, index) => `item-${index}`)

describe('quirks', () => {
  it('random_order=false: results in the order of the input', async () => {
    await using project = await simulatedProject({ quirks: { random_order: false } })
    const batch = await project.run(chatLines(20))
    expect((await project.results(batch.output_file_id)).map(({ custom_id }) => custom_id)).toEqual(numbers(20))
  })

  it('separate_error_file=false: failed lines among the others', async () => {
    await using project = await simulatedProject({ faults: ['quirk:separate_error_file=false', 'items:transient:rate=0.5'] })
    const batch = await project.run(chatLines(20))
    expect(batch.error_file_id).toBeNull()
    const codes = (await project.results(batch.output_file_id)).map(({ response }) => response?.status_code)
    expect(codes).toHaveLength(20)
    expect(new Set(codes)).toEqual(new Set([200, 500]))
  })

  it('lying_counts: all completed, whatever the error file says', async () => {
    await using project = await simulatedProject({ faults: ['quirk:lying_counts', 'items:status_zero:rate=1'] })
    const batch = await project.run(chatLines(4))
    expect(batch.request_counts).toEqual({ total: 4, completed: 4, failed: 0 })
    const [line] = await project.results(batch.error_file_id)
    expect(line).toMatchObject({ response: { status_code: 0, request_id: '', body: {} }, error: null })
  })

  it('empty_string_file_ids: "" where there is no file', async () => {
    await using project = await simulatedProject({ quirks: { empty_string_file_ids: true } })
    expect((await project.run(chatLines(1))).error_file_id).toBe('')
  })

  it('output_file_delay_ms: 404 until the file is there', async () => {
    await using project = await simulatedProject({ quirks: { output_file_delay_ms: '10m' } })
    const batch = await project.run(chatLines(1))
    await expect(project.results(batch.output_file_id)).rejects.toMatchObject({ status: 404 })
    await project.control.setOptions({ quirks: { output_file_delay_ms: 0 } })
    expect(await project.results(batch.output_file_id)).toHaveLength(1)
  })

  it('list_delay_ms: a new batch is there, but not yet listed', async () => {
    await using project = await simulatedProject({ quirks: { list_delay_ms: '10m' } })
    const { id } = await project.run(chatLines(1))
    expect((await project.client.batches.list()).data).toEqual([])
    await project.control.setOptions({ quirks: { list_delay_ms: 0 } })
    expect((await project.client.batches.list()).data.map((batch) => batch.id)).toEqual([id])
  })

  it('repeated_lines: every answer twice', async () => {
    await using project = await simulatedProject({ quirks: { repeated_lines: 1 } })
    const batch = await project.run(chatLines(3))
    expect((await project.results(batch.output_file_id)).map(({ custom_id }) => custom_id).sort()).toEqual([
      'item-0',
      'item-0',
      'item-1',
      'item-1',
      'item-2',
      'item-2',
    ])
  })

  it('missing_lines: in no file, yet charged', async () => {
    await using project = await simulatedProject({ quirks: { missing_lines: 0.5 } })
    const batch = await project.run(chatLines(40))
    const delivered = (await project.results(batch.output_file_id)).length
    expect(delivered).toBeGreaterThan(0)
    expect(delivered).toBeLessThan(40)
    expect(batch.error_file_id).toBeNull()
    expect((await project.control.books()).batches[0]).toMatchObject({ billed_requests: 40, delivered_requests: delivered })
  })

  it('foreign_lines: lines of nobody and of another batch', async () => {
    await using project = await simulatedProject()
    await project.run([chatLine('of-another-batch', 'X')])
    await project.control.addFault('quirk:foreign_lines=2')
    const batch = await project.run(chatLines(2))
    expect((await project.results(batch.output_file_id)).map(({ custom_id }) => custom_id).sort()).toEqual([
      'item-0',
      'item-1',
      'nobody-0',
      'of-another-batch',
    ])
  })

  it('swapped_keys: answers at the custom_id of another request, none lost', async () => {
    await using project = await simulatedProject({ quirks: { swapped_keys: 1 } })
    const batch = await project.run(chatLines(6))
    const lines = await project.results(batch.output_file_id)
    expect(lines.map(({ custom_id }) => custom_id).sort()).toEqual(numbers(6))
    expect(lines.every((line) => !textOf(line).includes(markOf(Number(line.custom_id.slice(5)))))).toBe(true)
    expect(new Set(lines.map(textOf)).size).toBe(6)
  })

  it('invalid_json_lines: lines that break off, charged but not delivered', async () => {
    await using project = await simulatedProject({ quirks: { invalid_json_lines: 1 } })
    const batch = await project.run(chatLines(3))
    const text = await (await project.client.files.content(batch.output_file_id ?? '')).text()
    const lines = text.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(() => JSON.parse(line) as unknown).toThrow(SyntaxError)
    expect((await project.control.books()).batches[0]).toMatchObject({ billed_requests: 3, delivered_requests: 0 })
    for await (const request of project.control.requests()) expect(request.delivered).toBe(false)
  })

  it('invalid_utf8_lines: a byte that is not UTF-8 in valid JSON', async () => {
    await using project = await simulatedProject({ quirks: { invalid_utf8_lines: 1 } })
    const batch = await project.run(chatLines(1))
    const bytes = Buffer.from(await (await project.client.files.content(batch.output_file_id ?? '')).arrayBuffer())
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow(TypeError)
    expect(JSON.parse(bytes.toString())).toMatchObject({ custom_id: 'item-0' })
  })

  it('long_line_bytes: one long line with the same content', async () => {
    await using project = await simulatedProject({ quirks: { long_line_bytes: 300_000 } })
    const batch = await project.run(chatLines(2))
    const text = await (await project.client.files.content(batch.output_file_id ?? '')).text()
    expect(Math.max(...text.split('\n').map((line) => Buffer.byteLength(line) + 1))).toBe(300_000)
    expect(await project.results(batch.output_file_id)).toHaveLength(2)
  })

  it('truncated_downloads: the first download breaks off, the next is whole', async () => {
    await using project = await simulatedProject({ quirks: { truncated_downloads: 1 } })
    const batch = await project.run(chatLines(20))
    await expect(project.results(batch.output_file_id)).rejects.toThrow('terminated')
    expect(await project.results(batch.output_file_id)).toHaveLength(20)
  })

  it('cancelled_lines_in_error_file: what a cancel left undone is named', async () => {
    await using project = await simulatedProject({
      curve: 'stalled',
      duration_ms: 10,
      quirks: { cancelled_lines_in_error_file: true },
    })
    const { id } = await project.create(await project.upload(chatLines(10)))
    await project.wait(id, ({ request_counts: counts }) => counts?.completed === 6)
    await project.client.batches.cancel(id)
    const batch = await project.wait(id)
    expect((await project.results(batch.error_file_id)).map(({ error }) => error?.code)).toEqual(Array(4).fill('batch_cancelled'))
  })
})
