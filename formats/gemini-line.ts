import { z } from 'zod'
import type { JsonObject } from '../core/json.ts'
import { geminiEndpoints } from './gemini-request.ts'
import type { LineParser } from './input-line.ts'
import { describeIssues } from './line-problem.ts'

/**
 * Gemini's own line of an input file: https://ai.google.dev/gemini-api/docs/batch-api#input-file. `key` is required there; here it may be left out, because
 * ours is the one that is sent.
 */
const geminiLine = z.strictObject({
  key: z.string().min(1, 'Must not be empty').max(512, 'Must have at most 512 characters').exactOptional(),
  request: z.custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'Expected an object',
  ),
})

const geminiFields = Object.keys(geminiLine.shape)

/** `{key, request}`; the request goes on untouched: a GenerateContentRequest with `contents`, or an EmbedContentRequest with `content`. */
export const parseGeminiLine: LineParser = (line) => {
  const checked = geminiLine.safeParse(line)
  if (!checked.success) return { problem: describeIssues(checked.error.issues, line, geminiFields) }
  const { key, request } = checked.data
  if (request['model'] !== undefined && typeof request['model'] !== 'string') {
    return { problem: { field: 'request.model', reason: 'expected a string' } }
  }
  const isEmbedding = request['content'] !== undefined
  const contents = request['contents']
  if (isEmbedding && contents !== undefined) {
    return {
      problem: { field: 'request.content', reason: 'give `contents` for an answer or `content` for an embedding, not both' },
    }
  }
  if (!isEmbedding && !Array.isArray(contents)) {
    const reason =
      contents === undefined ? 'is missing: an array of messages (or `content`, for an embedding)' : 'expected an array'
    return { problem: { field: 'request.contents', reason } }
  }
  return {
    parsed: {
      customId: key ?? null,
      metadata: null,
      request: {
        kind: 'native',
        format: 'gemini',
        endpoint: isEmbedding ? geminiEndpoints.embed : geminiEndpoints.generate,
        body: request,
      },
    },
  }
}
