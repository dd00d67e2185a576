import { z } from 'zod'
import { BatchwrightError } from '../../core/errors.ts'
import { tooDeep } from '../../formats/input-line.ts'
import type { ByteLine } from './byte-lines.ts'
import { createMeter, readInputLines, refuseTemplate, type InputFormat, type InputLimit, type Meter } from './input-stream.ts'
import type { ResolvedSpec } from './spec.ts'

/** Items on their way in, and what is to become of them. */
export interface JobInput {
  readonly resolved: ResolvedSpec
  /** What has been read of the input, with its hash. */
  readonly meter: Meter
  /** The input as lines; reading it to the end fills the meter. */
  readonly lines: () => AsyncIterable<ByteLine[]>
  /** Reads the input without looking at it. */
  readonly drain: () => Promise<void>
}

/** A body of JSON lines or CSV. */
export function streamInput(
  source: AsyncIterable<Uint8Array>,
  format: InputFormat,
  resolved: ResolvedSpec,
  limit: InputLimit,
): JobInput {
  const meter = createMeter(hashPrefix(resolved, format), limit)
  return {
    resolved,
    meter,
    lines: () => readInputLines(meter.pass(source), format, resolved.spec.prompt),
    drain: () => meter.drain(source),
  }
}

const itemsField = z.looseObject({ items: z.array(z.unknown()) })

/** `items` of a JSON body, and its other fields. Throws `invalid_request`. */
export function itemsOf(body: unknown): { items: readonly unknown[]; rest: Record<string, unknown> } {
  const checked = itemsField.safeParse(body)
  if (!checked.success) throw invalidBody('items', 'expected an object with `items`, an array of input lines')
  const { items, ...rest } = checked.data
  return { items, rest }
}

/** Items of a JSON body are checked and stored as if each were a line; line 1 is the first of them. */
export function jsonInput(items: readonly unknown[], resolved: ResolvedSpec, limit: InputLimit): JobInput {
  refuseTemplate(resolved.spec.prompt)
  const meter = createMeter(hashPrefix(resolved, 'json'), limit)
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const [index, item] of items.entries()) yield Buffer.from(`${lineOf(item, index + 1)}\n`)
  }
  async function* lines(): AsyncGenerator<ByteLine[]> {
    let number = 0
    for await (const line of meter.pass(bytes())) {
      number += 1
      yield [{ number, bytes: (line as Buffer).subarray(0, -1), problem: null, terminated: true }]
    }
  }
  return { resolved, meter, lines, drain: () => meter.drain(bytes()) }
}

/** What makes an upload the same again: spec, form and bytes. A part of a draft has no spec of its own, and its hash is that of its bytes. */
function hashPrefix({ canonical }: ResolvedSpec, format: InputFormat | 'json'): string {
  return canonical === null ? '' : `${canonical}\n${format}\n`
}

export function invalidBody(field: string, reason: string): BatchwrightError {
  return new BatchwrightError('invalid_request', `the body is not valid: ${reason}`, { details: { errors: [{ field, reason }] } })
}

function lineOf(item: unknown, lineNumber: number): string {
  try {
    return JSON.stringify(item)
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(lineNumber, error)
    throw error
  }
}
