import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface StartedCli {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** So far. */
  readonly stderr: () => string
  readonly stdout: () => string
}

/** The command as people run it, in a process and a folder of its own. */
export interface CliRunner {
  readonly directory: string
  /** `input` null: standard input stays open. */
  start(args: readonly string[], input?: string | null): StartedCli
  run(...args: string[]): Promise<Ended>
  /** Writes lines (objects as JSON) to a file in the folder, without a last line end. Returns its name. */
  writeLines(name: string, lines: readonly unknown[]): string
  remove(): void
}

export function createCliRunner(environment: Record<string, string>): CliRunner {
  const directory = mkdtempSync(join(tmpdir(), 'batchwright-cli-'))
  const start = (args: readonly string[], input: string | null = ''): StartedCli => {
    const child = spawn(process.execPath, [main, ...args], { cwd: directory, env: { ...process.env, ...environment } })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    // A command that reads no input may have ended before it is written.
    child.stdin.on('error', () => undefined)
    if (input !== null) child.stdin.end(input)
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
    return { child, ended, stderr: () => stderr, stdout: () => stdout }
  }
  return {
    directory,
    start,
    run: async (...args) => await start(args).ended,
    writeLines(name, lines) {
      writeFileSync(
        join(directory, name),
        lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
      )
      return name
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** Neutral lines `item-1`, `item-2`, …. */
export function neutralItems(count: number, prompt: (index: number) => string = (index) => `Say ${index}.`): object[] {
  return Array.from({ length: count }, (_, index) => ({ custom_id: `item-${index + 1}`, prompt: prompt(index + 1) }))
}
