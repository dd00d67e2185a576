import { z } from 'zod'
import { endpoints } from '../core/job-spec.ts'
import type { JsonObject } from '../core/json.ts'
import { didYouMean } from '../core/nearest-name.ts'
import type { LineParser } from './input-line.ts'
import { describeIssues } from './line-problem.ts'

/**
 * OpenAI's own batch line: https://developers.openai.com/api/docs/guides/batch#1-prepare-your-batch-file. `custom_id` and `method` are
 * required there; here `custom_id` may be left out, because ours is the one that is sent.
 */
const openAiLine = z.strictObject({
  custom_id: z.string().min(1, 'Must not be empty').max(512, 'Must have at most 512 characters').exactOptional(),
  method: z.literal('POST').exactOptional(),
  url: z.string(),
  body: z.custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'Expected an object',
  ),
})

const openAiFields = Object.keys(openAiLine.shape)

/** `{custom_id, method, url, body}`; the body goes on untouched. */
export const parseOpenAiLine: LineParser = (line) => {
  const checked = openAiLine.safeParse(line)
  if (!checked.success) return { problem: describeIssues(checked.error.issues, line, openAiFields) }
  const { custom_id: customId, url, body } = checked.data
  if (!(endpoints as readonly string[]).includes(url)) {
    return {
      problem: {
        field: 'url',
        reason: `"${url}" is not an endpoint that is taken here${didYouMean(url, endpoints)}: ${endpoints.join(', ')}`,
      },
    }
  }
  if (body['model'] !== undefined && typeof body['model'] !== 'string') {
    return { problem: { field: 'body.model', reason: 'expected a string' } }
  }
  if (body['stream'] === true) {
    return { problem: { field: 'body.stream', reason: 'a batch can not stream: leave it out' } }
  }
  const needed = url === '/v1/embeddings' ? 'input' : url === '/v1/chat/completions' ? 'messages' : null
  if (needed !== null && body[needed] === undefined) {
    return { problem: { field: `body.${needed}`, reason: `is missing: ${url} requires it` } }
  }
  return {
    parsed: { customId: customId ?? null, metadata: null, request: { kind: 'native', format: 'openai', endpoint: url, body } },
  }
}
