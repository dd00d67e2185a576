import { once } from 'node:events'
import { Batchwright } from '../client/batchwright.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'

/** What a command works with: handed in, so that tests can look at it. */
export interface Cli {
  /** Results, and nothing else. */
  readonly stdout: NodeJS.WriteStream
  /** Everything else. */
  readonly stderr: NodeJS.WriteStream
  readonly stdin: NodeJS.ReadStream
  readonly client: () => Batchwright
  exitCode: ExitCode
}

export function createCli(): Cli {
  const { stdout, stderr } = process
  return {
    stdout,
    stderr,
    // Not opened by commands that don't read it.
    get stdin() {
      return process.stdin
    },
    client: () => new Batchwright(),
    exitCode: exitCodes.done,
  }
}

export function printLine(stream: NodeJS.WriteStream, line: string): void {
  stream.write(`${line}\n`)
}

/** One JSON document on stdout, as people and jq read it. */
export function printJson(cli: Cli, value: unknown): void {
  printLine(cli.stdout, JSON.stringify(value, null, 2))
}

/** A JSON array, an element a line, written as it is read: it may be longer than memory. */
export async function printJsonList(cli: Cli, values: AsyncIterable<unknown>): Promise<void> {
  let separator = '[\n'
  for await (const value of values) {
    if (!cli.stdout.write(separator + JSON.stringify(value))) await once(cli.stdout, 'drain')
    separator = ',\n'
  }
  printLine(cli.stdout, separator === '[\n' ? '[]' : '\n]')
}

/** The first `limit` of them; reading stops there. */
export async function* firstOf<Value>(values: AsyncIterable<Value>, limit: number): AsyncGenerator<Value, void, undefined> {
  if (limit <= 0) return
  let count = 0
  for await (const value of values) {
    yield value
    if (++count >= limit) return
  }
}
