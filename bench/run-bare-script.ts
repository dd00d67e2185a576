import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('bare-script.ts', import.meta.url))

/** Measured by the script itself, from its first line of work: the start of its process is not counted. */
export interface BareRun {
  /** From neutral lines to the provider's own. */
  readonly prepareMs: number
  /** And creation. */
  readonly uploadMs: number
  /** Polling, download, results. */
  readonly collectMs: number
  readonly answers: number
  readonly peakBytes: number | null
}

/** Runs the script in a process of its own, without the heap limit that Batchwright's have. */
export async function runBareScript(
  inputPath: string,
  directory: string,
  baseUrl: string,
  signal: AbortSignal,
): Promise<BareRun> {
  const { PATH, HOME, TMPDIR } = process.env
  const child = spawn(process.execPath, [script, inputPath, directory, baseUrl], {
    // Nothing else of the environment: no key of a real provider can get in.
    env: { PATH, HOME, TMPDIR },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
    killSignal: 'SIGKILL',
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>])
  if (code !== 0) throw new Error(`the bare script ended with ${code}`)
  return JSON.parse(output) as BareRun
}
