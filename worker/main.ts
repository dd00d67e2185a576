import type { Config } from '../config/config.ts'
import { tuneHeapGrowth } from './heap-growth.ts'

/**
 * Runs a worker until SIGINT or SIGTERM. Where Temporal or Postgres can't be reached it says which, and goes on trying. Returns the exit code.
 */
export async function runWorker(config: Config): Promise<number> {
  tuneHeapGrowth()
  // Only now: loading Temporal's SDK alone makes the young generation grow to its largest.
  const { runWorkerProcess } = await import('./run-worker.ts')
  return await runWorkerProcess(config)
}
