import { z } from 'zod'
import type { Json, JsonObject } from '../core/json.ts'
import { didYouMean } from '../core/nearest-name.ts'
import type { CanonicalRequest, ContentPart, EmbedRequest, GenerateRequest, Message, ParsedLine } from './canonical-request.ts'
import { type InlineData, isDataUrl, readDataUrl, readInlineData } from './data-url.ts'
import type { LineParser, LineProblem } from './input-line.ts'
import { describeIssues } from './line-problem.ts'

// All schemas are built once: this runs on each of 50,000 lines of 4 KB. Values are passed through as they are, only parts are rebuilt.
const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'Expected an object',
)

const name = z.string().min(1).max(256)

interface GivenPart {
  type: 'image' | 'file'
  url?: string
  data?: string
  media_type?: string
  path?: unknown
}

/** Exactly one source, and no local path: only the CLI can read the user's files. */
function readSource(part: GivenPart, context: z.core.$RefinementCtx): { url: string } | InlineData {
  const fail = (message: string, path: string[] = []) => {
    context.addIssue({ code: 'custom', message, path, input: part })
    return z.NEVER
  }
  const { type, url, data, media_type: mediaType } = part
  if (part.path !== undefined) return fail('local files are not read: give `url`, or `data` (base64) with `media_type`', ['path'])
  if (url !== undefined && data !== undefined) return fail('give either `url` or `data`, not both')
  if (url !== undefined) {
    if (!/^(https?:|data:)/i.test(url)) return fail('expected an http, https or data URL', ['url'])
    if (!isDataUrl(url)) return { url }
  } else if (data === undefined) {
    return fail(`give the ${type} as \`url\`, or as \`data\` (base64) with \`media_type\``)
  } else if (mediaType === undefined) {
    return fail('is missing: base64 `data` needs its media type, for example "image/png"', ['media_type'])
  }
  const read = url === undefined ? readInlineData({ data: data as string, media_type: mediaType as string }) : readDataUrl(url)
  if ('problem' in read) return fail(read.problem, [url === undefined ? read.field : 'url'])
  if (type === 'image' && !read.media_type.startsWith('image/'))
    return fail(`expected an image, not ${read.media_type}`, [url === undefined ? 'media_type' : 'url'])
  return read
}

const source = {
  url: z.string().exactOptional(),
  data: z.string().exactOptional(),
  media_type: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/, 'Expected a media type like "image/png"')
    .exactOptional(),
  path: z.unknown().exactOptional(),
}

const contentPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z
    .strictObject({ type: z.literal('image'), ...source })
    .transform((part, context): ContentPart => ({ type: 'image', ...readSource(part, context) })),
  z.strictObject({ type: z.literal('file'), name: name.exactOptional(), ...source }).transform((part, context): ContentPart => {
    const file = { type: 'file' as const, ...readSource(part, context) }
    return part.name === undefined ? file : { ...file, name: part.name }
  }),
])

const content = z.union([z.string(), z.array(contentPart).min(1, 'Expected at least one part')])

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content }),
  z.strictObject({ role: z.literal('user'), content }),
  z.strictObject({
    role: z.literal('assistant'),
    content,
    tool_calls: z.array(z.strictObject({ id: z.string().min(1), name, arguments: z.string() })).exactOptional(),
  }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string().min(1), content: z.string() }),
])

const neutralLine = z.strictObject({
  custom_id: z.string().min(1, 'Must not be empty').max(512, 'Must have at most 512 characters').exactOptional(),
  prompt: content.exactOptional(),
  messages: z.array(message).min(1, 'Expected at least one message').exactOptional(),
  input: z.string().min(1, 'Must not be empty').exactOptional(),
  system: z.string().exactOptional(),
  max_tokens: z.int('Expected a whole number').positive('Must be above 0').exactOptional(),
  temperature: z.number().min(0, 'Must be between 0 and 2').max(2, 'Must be between 0 and 2').exactOptional(),
  top_p: z.number().min(0, 'Must be between 0 and 1').max(1, 'Must be between 0 and 1').exactOptional(),
  stop: z.union([z.string(), z.array(z.string())]).exactOptional(),
  schema: jsonObject.exactOptional(),
  tools: z
    .array(z.strictObject({ name, description: z.string().exactOptional(), parameters: jsonObject.exactOptional() }))
    .exactOptional(),
  reasoning_effort: z.string().min(1).exactOptional(),
  provider_options: z.record(z.string(), jsonObject).exactOptional(),
  metadata: z.unknown().exactOptional(),
})
type NeutralLine = z.infer<typeof neutralLine>

/** The fields that a neutral line may have. */
export const neutralFields: readonly string[] = Object.keys(neutralLine.shape)

/** By protocol: a provider of a name of its own has the options of its kind. Those of the others are for when the line is sent there. */
const optionProviders: readonly string[] = ['openai', 'anthropic', 'gemini']

const generateOnly = ['system', 'max_tokens', 'temperature', 'top_p', 'stop', 'schema', 'tools', 'reasoning_effort'] as const

/** `{custom_id?, prompt | messages | input, ...}`, strictly: an unknown field is a mistake that would otherwise be paid for. */
export const parseNeutralLine: LineParser = (line) => {
  const checked = neutralLine.safeParse(line)
  if (!checked.success) return { problem: describeIssues(checked.error.issues, line, neutralFields) }
  const fields = checked.data
  const problem = findContradiction(fields)
  if (problem !== null) return { problem }
  const parsed: ParsedLine = {
    customId: fields.custom_id ?? null,
    metadata: (fields.metadata as Json | undefined) ?? null,
    request: toRequest(fields),
  }
  return { parsed }
}

function findContradiction(fields: NeutralLine): LineProblem | null {
  const given = (['prompt', 'messages', 'input'] as const).filter((field) => fields[field] !== undefined)
  if (given.length === 0) {
    return { field: null, reason: 'has no request: give `prompt`, `messages`, or `input` (for an embedding)' }
  }
  if (given.length > 1)
    return { field: given[1] as string, reason: `give only one of prompt, messages and input, not also ${given[0]}` }
  if (fields.prompt === '') return { field: 'prompt', reason: 'must not be empty' }
  const unknown = Object.keys(fields.provider_options ?? {}).find((key) => !optionProviders.includes(key))
  if (unknown !== undefined) {
    return {
      field: `provider_options.${unknown}`,
      reason: `there is no such provider${didYouMean(unknown, optionProviders)}: ${optionProviders.join(', ')}`,
    }
  }
  if (fields.input === undefined) return null
  const misplaced = generateOnly.find((field) => fields[field] !== undefined)
  return misplaced === undefined ? null : { field: misplaced, reason: 'does not go with `input`, which asks for an embedding' }
}

function toRequest(fields: NeutralLine): CanonicalRequest {
  const options = fields.provider_options === undefined ? {} : { provider_options: fields.provider_options }
  if (fields.input !== undefined)
    return { kind: 'embed', input: fields.input, ...options } satisfies EmbedRequest & typeof options
  const messages: Message[] =
    fields.messages === undefined ? [{ role: 'user', content: fields.prompt as string | ContentPart[] }] : [...fields.messages]
  if (fields.system !== undefined) messages.unshift({ role: 'system', content: fields.system })
  const request: GenerateRequest & typeof options = { kind: 'generate', messages, ...options }
  if (fields.max_tokens !== undefined) request.max_tokens = fields.max_tokens
  if (fields.temperature !== undefined) request.temperature = fields.temperature
  if (fields.top_p !== undefined) request.top_p = fields.top_p
  if (fields.stop !== undefined) request.stop = typeof fields.stop === 'string' ? [fields.stop] : fields.stop
  if (fields.schema !== undefined) request.schema = fields.schema
  if (fields.tools !== undefined) request.tools = fields.tools
  if (fields.reasoning_effort !== undefined) request.reasoning_effort = fields.reasoning_effort
  return request
}
