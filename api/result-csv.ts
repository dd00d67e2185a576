import type { Result } from './contracts/results.ts'

const columns: ReadonlyArray<readonly [name: string, value: (result: Result) => unknown]> = [
  ['custom_id', (result) => result.custom_id],
  ['seq', (result) => result.seq],
  ['status', (result) => result.status],
  ['finish_reason', (result) => result.finish_reason],
  ['text', (result) => result.text],
  ['output', (result) => result.output],
  ['tool_calls', (result) => (result.tool_calls.length === 0 ? null : result.tool_calls)],
  ['embedding', (result) => result.embedding],
  ['error_class', (result) => result.error?.class],
  ['error_code', (result) => result.error?.code],
  ['error_message', (result) => result.error?.message],
  ['input_tokens', (result) => result.usage.input_tokens],
  ['output_tokens', (result) => result.usage.output_tokens],
  ['cost_usd', (result) => result.cost_usd],
  ['provider', (result) => result.provider],
  ['model', (result) => result.model],
  ['batch_id', (result) => result.batch_id],
  ['attempts', (result) => result.attempts],
  ['metadata', (result) => result.metadata],
  ['warnings', (result) => (result.warnings.length === 0 ? null : result.warnings)],
  ['simulated', (result) => result.simulated],
]

/** RFC 4180: CRLF, and quotes where a field needs them. Values are written as they are; nothing is changed for spreadsheets. */
export const csvHeader = row(columns.map(([name]) => name))

export function toCsvRow(result: Result): string {
  return row(columns.map(([, value]) => value(result)))
}

function row(values: readonly unknown[]): string {
  return `${values.map(field).join(',')}\r\n`
}

function field(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
