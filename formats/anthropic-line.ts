import { z } from 'zod'
import type { JsonObject } from '../core/json.ts'
import { anthropicEndpoint } from './anthropic-request.ts'
import type { LineParser } from './input-line.ts'
import { describeIssues } from './line-problem.ts'

/**
 * Anthropic's own element of `requests`: https://platform.claude.com/docs/en/api/messages/batches/create. `custom_id` is required there, of at
 * most 64 characters; here it may be left out or longer, because ours is the one that is sent.
 */
const anthropicLine = z.strictObject({
  custom_id: z.string().min(1, 'Must not be empty').max(512, 'Must have at most 512 characters').exactOptional(),
  params: z.custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'Expected an object',
  ),
})

const anthropicFields = Object.keys(anthropicLine.shape)

/** `{custom_id, params}`; the params go on untouched. Anthropic checks them only after the batch has ended: what it always needs is asked for here. */
export const parseAnthropicLine: LineParser = (line) => {
  const checked = anthropicLine.safeParse(line)
  if (!checked.success) return { problem: describeIssues(checked.error.issues, line, anthropicFields) }
  const { custom_id: customId, params } = checked.data
  if (params['model'] !== undefined && typeof params['model'] !== 'string') {
    return { problem: { field: 'params.model', reason: 'expected a string' } }
  }
  if (!Array.isArray(params['messages'])) {
    return {
      problem: { field: 'params.messages', reason: params['messages'] === undefined ? 'is missing' : 'expected an array' },
    }
  }
  if (typeof params['max_tokens'] !== 'number') {
    const reason = params['max_tokens'] === undefined ? 'is missing: Anthropic requires it' : 'expected a number'
    return { problem: { field: 'params.max_tokens', reason } }
  }
  if (params['stream'] === true) {
    return { problem: { field: 'params.stream', reason: 'a batch can not stream: leave it out' } }
  }
  // https://platform.claude.com/docs/en/build-with-claude/batch-processing
  if (params['speed'] != null) {
    return { problem: { field: 'params.speed', reason: 'a batch has no speed of its own: leave it out' } }
  }
  return {
    parsed: {
      customId: customId ?? null,
      metadata: null,
      request: { kind: 'native', format: 'anthropic', endpoint: anthropicEndpoint, body: params },
    },
  }
}
