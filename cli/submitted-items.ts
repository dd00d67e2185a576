import type { PartItems } from '../client/batchwright.ts'
import { printLine, type Cli } from './cli.ts'

/** The items of a file, or of standard input for `-`. */
export function fileItems(cli: Cli, file: string, format: 'jsonl' | 'csv' | undefined): PartItems {
  if (file !== '-') return format === undefined ? file : { path: file, format }
  if (cli.stdin.isTTY) printLine(cli.stderr, 'Reading items from the terminal; Ctrl-D ends them.')
  return { bytes: cli.stdin as AsyncIterable<Uint8Array>, format: format ?? 'jsonl', name: 'stdin' }
}
