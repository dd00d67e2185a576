import { parseExactJson } from '../core/exact-json.ts'
import type { JsonObject } from '../core/json.ts'
import type { GenerateRequest } from './canonical-request.ts'

/**
 * Paths as a neutral line has them, of what renderers name in the request that was made of it: there `system` (the line's own or else the job's) is the first
 * message, and `prompt` a message like any other.
 */
export function neutralPaths(text: string, request: GenerateRequest, jobSystem: string | null): (path: string) => string {
  const line = parseExactJson(text) as JsonObject
  const isJobs = jobSystem !== null && !request.messages.some(({ role }) => role === 'system')
  const before = line['system'] !== undefined || isJobs ? 1 : 0
  return (path) =>
    path.replace(/^messages\[(\d+)\](\.content)?/, (_, number: string, content = '') => {
      const index = Number(number) - before
      if (index < 0) return 'system'
      return line['prompt'] === undefined ? `messages[${index}]${content}` : 'prompt'
    })
}
