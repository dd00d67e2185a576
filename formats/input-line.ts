import { BatchwrightError } from '../core/errors.ts'
import { parseExactJson } from '../core/exact-json.ts'
import type { JsonObject } from '../core/json.ts'
import { parseAnthropicLine } from './anthropic-line.ts'
import type { ParsedLine } from './canonical-request.ts'
import { parseGeminiLine } from './gemini-line.ts'
import { parseNeutralLine } from './neutral-line.ts'
import { parseOpenAiLine } from './openai-line.ts'
import { repeatedKey, repeatedKeyIn } from '../core/repeated-keys.ts'

/** The four kinds of input line (design, section 6). */
export const lineFormats = ['neutral', 'openai', 'anthropic', 'gemini'] as const
export type LineFormat = (typeof lineFormats)[number]

/** A parsed line with the format that it was written in: one file may hold only one format. */
export interface FormattedLine extends ParsedLine {
  readonly lineFormat: LineFormat
}

/** A line that can't be taken. `details` carries `line` (1-based), `field` (a path, or null for the whole line) and `reason`. */
export class InvalidLineError extends BatchwrightError {
  readonly line: number
  readonly field: string | null
  readonly reason: string

  constructor(line: number, field: string | null, reason: string, options: { cause?: unknown } = {}) {
    super('invalid_line', `line ${line}: ${field === null ? '' : `${field}: `}${reason}`, {
      ...options,
      details: { line, field, reason },
    })
    this.name = 'InvalidLineError'
    this.line = line
    this.field = field
    this.reason = reason
  }
}

/** What is wrong with a line, before the line's number is known. */
export interface LineProblem {
  /** A path like `messages[0].content`, or null for the whole line. */
  readonly field: string | null
  readonly reason: string
}

export type LineParser = (line: JsonObject) => { parsed: ParsedLine } | { problem: LineProblem }

/** Reads one input line of any format. Throws InvalidLineError. */
export function parseInputLine(text: string, lineNumber: number): FormattedLine {
  return parseLine(parseObject(text, lineNumber), lineNumber)
}

/** The same for a line that comes in: it may not have a key twice. Stored lines were checked, and are read too often to be checked again. */
export function parseNewInputLine(text: string, lineNumber: number): FormattedLine {
  const line = parseObject(text, lineNumber)
  const key = repeatedKeyIn(text, line)
  if (key !== null) throw new InvalidLineError(lineNumber, key, repeatedKey)
  return parseLine(line, lineNumber)
}

function parseLine(line: JsonObject, lineNumber: number): FormattedLine {
  const lineFormat = recognizeFormat(line)
  const result = parsers[lineFormat](line)
  if ('problem' in result) throw new InvalidLineError(lineNumber, result.problem.field, result.problem.reason)
  return { ...result.parsed, lineFormat }
}

/** Tells the format by the keys that only one of them has; anything else is read as a neutral line, which names what it doesn't know. */
export function recognizeFormat(line: JsonObject): LineFormat {
  if ('body' in line || 'url' in line || 'method' in line) return 'openai'
  if ('params' in line) return 'anthropic'
  if ('request' in line || 'key' in line) return 'gemini'
  return 'neutral'
}

const parsers: Record<LineFormat, LineParser> = {
  neutral: parseNeutralLine,
  openai: parseOpenAiLine,
  anthropic: parseAnthropicLine,
  gemini: parseGeminiLine,
}

function parseObject(text: string, lineNumber: number): JsonObject {
  let value: unknown
  try {
    value = parseExactJson(text)
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(lineNumber, error)
    const cut = /Unexpected end|Unterminated/.test((error as Error).message)
      ? ' (the line ends in the middle: was the file cut?)'
      : ''
    throw new InvalidLineError(lineNumber, null, `is not JSON${cut}: ${excerpt(text)}`, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidLineError(lineNumber, null, `must be a JSON object, not ${describeType(value)}: ${excerpt(text)}`)
  }
  if (isDeeperThan(value, maxDepth)) throw tooDeep(lineNumber)
  return value as JsonObject
}

/** What is taken must be written again at other places with less stack left; nothing of sense is nested as deeply as this. */
const maxDepth = 500

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  for (const child of Array.isArray(value) ? value : Object.values(value)) if (isDeeperThan(child, depth - 1)) return true
  return false
}

/** For a line that overflows the stack, or would elsewhere. */
export function tooDeep(lineNumber: number, cause?: unknown): InvalidLineError {
  return new InvalidLineError(lineNumber, null, `is nested too deeply (more than ${maxDepth} levels)`, { cause })
}

function describeType(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

function excerpt(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}
