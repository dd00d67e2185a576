import { setTimeout as sleep } from 'node:timers/promises'
import type { Readiness } from './contracts/health.ts'
import type { ApiLogger } from './dependencies.ts'

const defaultIntervalMs = 5000
const parts = ['postgres', 'temporal'] as const

/** Logs when Postgres or Temporal goes away and when it comes back, once each, until stopped. */
export async function watchReadiness(
  read: () => Promise<Readiness>,
  logger: ApiLogger,
  stopping: AbortSignal,
  intervalMs = defaultIntervalMs,
): Promise<void> {
  const missing = new Set<string>()
  while (!stopping.aborted) {
    const readiness = await read()
    for (const part of parts) {
      const { ready, detail } = readiness[part]
      if (!ready && !missing.has(part)) {
        missing.add(part)
        logger.warn({ detail }, `${part} is not reachable; trying again until it is`)
      } else if (ready && missing.delete(part)) {
        logger.info({}, `${part} is reachable again`)
      }
    }
    await sleep(intervalMs, undefined, { signal: stopping }).catch(() => {})
  }
}
