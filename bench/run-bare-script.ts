import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('bare-script.ts', import.meta.url))

export interface BareRun {
  readonly totalMs: number
  readonly uploadMs: number
  readonly waitMs: number
  readonly answers: number
  readonly peakBytes: number | null
}

/** Prepares the script's own input files and returns how many there are. */
export async function prepareBareScript(directory: string, inputPath: string, signal: AbortSignal): Promise<number> {
  return ((await runScript(['prepare', directory, inputPath], signal)) as { files: number }).files
}

/** Runs the script in a process of its own, without the heap limit that Batchwright's have. */
export async function runBareScript(directory: string, baseUrl: string, files: number, signal: AbortSignal): Promise<BareRun> {
  return (await runScript(['run', directory, baseUrl, String(files)], signal)) as BareRun
}

async function runScript(args: readonly string[], signal: AbortSignal): Promise<unknown> {
  const { PATH, HOME, TMPDIR } = process.env
  const child = spawn(process.execPath, [script, ...args], {
    // Nothing else of the environment: no key of a real provider can get in.
    env: { PATH, HOME, TMPDIR },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
    killSignal: 'SIGKILL',
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>])
  if (code !== 0) throw new Error(`the bare script ended with ${code}`)
  return JSON.parse(output)
}
