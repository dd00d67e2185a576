import { spawn } from 'node:child_process'

export type FinishedProcess = { code: number | null; stdout: string; stderr: string }

export type RunOptions = {
  env?: NodeJS.ProcessEnv
  cwd?: string
  user?: { uid: number; gid: number } | undefined
  /** Its process group is killed after this long. */
  timeoutMs?: number
  signal?: AbortSignal | undefined
}

/**
 * Runs a short-lived program and collects what it printed. Never throws: a program that can't be started has code `null` and the
 * reason in `stderr`, like one that was killed at the time limit or by the abort signal.
 */
export function runToEnd(command: string, args: readonly string[], options: RunOptions = {}): Promise<FinishedProcess> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      // Its own group: Ctrl-C is ours to handle, and its children end with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...options.user,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
    const kill = (reason: string): void => {
      stderr += `${stderr === '' ? '' : '\n'}${reason}`
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended in the meantime.
      }
    }
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => kill('timed out'), options.timeoutMs)
    const onAbort = (): void => kill('aborted')
    options.signal?.addEventListener('abort', onAbort, { once: true })
    const finish = (code: number | null): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      resolve({ code, stdout, stderr })
    }
    child.once('error', (error) => {
      stderr += error.message
      finish(null)
    })
    child.once('close', finish)
    if (options.signal?.aborted === true) onAbort()
  })
}
