import { BatchwrightError, describeError } from '../core/errors.ts'
import { lastLogLines, readLogFrom } from './log-file.ts'
import { modulePath } from './package-root.ts'
import { pollUntil } from './poll-until.ts'
import { describeExit, type RunningProcess, type SpawnedProcess, startProcess } from './running-process.ts'

export type ChildKind = 'api' | 'worker' | 'simulator'

/** The first worker bundles the workflows, and all of them load Temporal's native library: seconds, on a busy machine many. */
const readyDeadlineMs = 120_000

/**
 * V8 lets the space for new objects grow to 134 MB beside the heap that `--max-old-space-size` allows, and stay there: in 3 × 16 MB garbage is collected as
 * cheaply. And it lets the heap itself grow by a third only before it collects all of it, which for the API would be a fifth of an upload's time. A worker
 * sees to both itself, however it was started (`worker/heap-growth.ts`).
 */
const nodeArguments: Readonly<Record<ChildKind, readonly string[]>> = {
  api: ['--max-semi-space-size=16', '--heap-growing-percent=100'],
  worker: [],
  simulator: [],
}

export type NodeChildOptions = {
  kind: ChildKind
  /** `worker-2`; default: its kind. */
  name: string
  /** Program and first arguments; default: this Node, and the `batchwright` command line of this checkout. */
  command?: readonly string[] | undefined
  args: readonly string[]
  env: NodeJS.ProcessEnv
  logPath: string
  /** Asked besides its log; `ready` and its answer so far. Without it the line `<kind> ready` in its log decides. */
  probe?: () => Promise<{ ready: boolean; detail: string }>
  onSpawn?: ((spawned: SpawnedProcess) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Starts one of our own processes and waits until it is ready. On failure it is stopped. Throws `<kind>_not_started`, with its last
 * words.
 */
export async function startNodeChild(options: NodeChildOptions): Promise<RunningProcess> {
  const { kind, logPath } = options
  const [program, ...firstArguments] = options.command ?? [process.execPath, ...nodeArguments[kind], modulePath('../cli/main')]
  if (program === undefined) throw notStarted(options, 'the command for it is empty')
  let offset = readLogFrom(logPath, -1).nextOffset
  const child = await startProcess({
    name: options.name,
    command: program,
    args: [...firstArguments, kind, ...options.args],
    env: options.env,
    logPath,
    onSpawn: options.onSpawn,
  })
  let detail = ''
  let unread = ''
  const saysReady = (): boolean => {
    const { text, nextOffset } = readLogFrom(logPath, offset)
    offset = nextOffset
    unread = (unread + text).slice(-4096)
    return unread.includes(`${kind} ready`)
  }
  try {
    const ready = await pollUntil(
      async () => {
        const exit = child.exit()
        if (exit !== undefined) throw notStarted(options, describeExit(exit))
        if (options.probe === undefined) return saysReady() ? true : undefined
        const answer = await options.probe()
        detail = answer.detail
        return answer.ready ? true : undefined
      },
      { deadlineMs: readyDeadlineMs, signal: options.signal },
    )
    if (ready === undefined)
      throw notStarted(options, `not ready after ${readyDeadlineMs / 1000} s${detail === '' ? '' : `: ${detail}`}`)
    return child
  } catch (error) {
    await child.stop(2000)
    throw error
  }
}

/** Asks a readiness endpoint once. Not reachable is not ready; 503 comes with what is missing. */
export async function probeHttp(url: string): Promise<{ ready: boolean; answering: boolean; detail: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    return {
      ready: response.ok,
      answering: true,
      detail: `${url} says ${response.status} ${(await response.text()).slice(0, 300)}`,
    }
  } catch (error) {
    return { ready: false, answering: false, detail: `${url}: ${describeError(error)}` }
  }
}

function notStarted({ kind, name, logPath }: NodeChildOptions, reason: string): BatchwrightError {
  const lastWords = lastLogLines(logPath, 2).join(' ').slice(-600)
  const said = lastWords === '' ? '' : `. It said: ${lastWords}`
  return new BatchwrightError(`${kind}_not_started`, `${name} did not start (${reason})${said} (log: ${logPath})`, {
    details: { logPath },
  })
}
