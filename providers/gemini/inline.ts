import { readFile } from 'node:fs/promises'
import { parseExactJson } from '../../core/exact-json.ts'
import type { JsonObject } from '../../core/json.ts'
import { ProviderError } from '../provider.ts'

export interface InlineRule {
  readonly maxBytes: number
  readonly maxLines: number
}

/**
 * Far below the 20 MB that Gemini takes in a create: it spares an upload and a file where they would be most of the work, and the answers come as one
 * text, of which this many can't be too large for the memory.
 */
export const defaultInlineRule: InlineRule = { maxBytes: 100_000, maxLines: 50 }

/** Whether the lines of a spool file are few enough to travel in the create of their batch. */
export async function isInline(path: string, size: number, rule: InlineRule): Promise<boolean> {
  if (size > rule.maxBytes) return false
  return (await readLines(path)).length <= rule.maxLines
}

/** The lines of a small spool file as `requests` of a create, each with its key beside it. https://ai.google.dev/api/batch-api#InlinedRequest */
export async function readInlineRequests(path: string): Promise<Array<{ request: JsonObject; metadata: { key: string } }>> {
  let lines: string[]
  try {
    lines = await readLines(path)
  } catch (error) {
    throw unsendable('the spool file can not be read', error)
  }
  if (lines.length === 0) throw unsendable('the spool file is empty')
  return lines.map((line) => {
    const { key, request } = parseExactJson(line) as { key: string; request: JsonObject }
    return { request, metadata: { key } }
  })
}

async function readLines(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
}

/** Found out before anything was sent. */
function unsendable(reason: string, cause?: unknown): ProviderError {
  return new ProviderError(`create: ${reason}`, {
    kind: 'transient',
    code: 'spool_unreadable',
    certainlyNotApplied: true,
    cause,
  })
}
