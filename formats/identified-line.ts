import { parseInputLine } from './input-line.ts'

/**
 * A stored line with the id of its item in it: one that came without an id was numbered by its place in its file, and would get another number in
 * another file. What has an id stays as it is, character for character.
 */
export function identifiedLine(line: string, customId: string): string {
  const { customId: own, lineFormat } = parseInputLine(line, 1)
  if (own !== null) return line
  const key = lineFormat === 'gemini' ? 'key' : 'custom_id'
  return `{${JSON.stringify(key)}:${JSON.stringify(customId)},${line.slice(line.indexOf('{') + 1)}`
}
