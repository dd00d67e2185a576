import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../core/errors.ts'
import type { Database } from '../db/database.ts'
import type { Logger } from '../activities/index.ts'

const retryMs = 1000

/** Waits until Postgres answers: says once that it does not, and once more when it does. */
export async function waitForPostgres(database: Database, logger: Logger, signal: AbortSignal): Promise<void> {
  for (let failures = 0; ; failures++) {
    signal.throwIfAborted()
    try {
      await database.sql`select 1`
      if (failures > 0) logger.info({}, 'postgres is reachable')
      return
    } catch (error) {
      if (failures === 0) logger.warn({ error: describeError(error) }, 'postgres is not reachable; trying again until it is')
      await sleep(retryMs, undefined, { signal })
    }
  }
}
