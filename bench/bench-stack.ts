import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { removePostgresCluster } from '../local/postgres-cluster.ts'
import { describeExit } from '../local/running-process.ts'
import { startStack, type Stack, type StackOptions } from '../local/stack.ts'

/** Everything that a benchmark writes; git ignores it, and it is removed at the end. */
export const dataDirectory = fileURLToPath(new URL('data/', import.meta.url))

/** The heap that API and worker get (and the simulator, which is started with them). */
const heapMegabytes = 256

/**
 * Runs work on a whole stack of its own: real API, worker, Temporal and durable Postgres, the simulator with a provider time of 0. Its processes are
 * stopped and its data is removed, however the work ends. It fails when one of the processes dies by itself: started again, it would do the rest of the
 * work and hide that its heap was not enough. `options` are for tests.
 */
export async function withStack<Result>(
  signal: AbortSignal,
  work: (stack: Stack) => Promise<Result>,
  options: Partial<StackOptions> = {},
): Promise<Result> {
  const dataDir = options.dataDir ?? join(dataDirectory, 'stack')
  removeStack(dataDir)
  const death = Promise.withResolvers<never>()
  // It may come before anybody waits for it.
  death.promise.catch(() => undefined)
  try {
    const stack = await startStack({
      simulate: ['openai'],
      ...options,
      dataDir,
      port: 0,
      simulatorArgs: ['--duration', '0s'],
      stripProviderKeys: true,
      signal,
      onEvent(event) {
        if (event.type !== 'ended') return
        death.reject(new Error(`${event.name} died in the middle of it: ${describeExit(event.exit)}`))
      },
      env: {
        LOG_LEVEL: 'info',
        NODE_OPTIONS: `--max-old-space-size=${heapMegabytes} ${process.env['BENCH_NODE_OPTIONS'] ?? ''}`.trim(),
      },
    })
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(new Error('interrupted'))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const failed = stack.failed.then(({ name, reason }): never => {
        throw new Error(`${name} could not be kept running: ${reason}`)
      })
      return await Promise.race([work(stack), death.promise, failed, aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
      await stack.stop()
    }
  } finally {
    removeStack(dataDir)
  }
}

function removeStack(dataDir: string): void {
  removePostgresCluster(dataDir)
  rmSync(dataDir, { recursive: true, force: true })
}
