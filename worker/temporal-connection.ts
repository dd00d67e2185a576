import { setTimeout as sleep } from 'node:timers/promises'
import { NativeConnection } from '@temporalio/worker'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../activities/index.ts'

export interface TemporalAddress {
  readonly address: string
  readonly namespace: string
  readonly apiKey: string | null
}

const retryMs = 1000

/** Connects, and goes on trying where the server can't be reached: says so once, and once more when it is there. */
export async function connectToTemporal(
  { address, apiKey }: TemporalAddress,
  logger: Logger,
  signal: AbortSignal,
): Promise<NativeConnection> {
  for (let failures = 0; ; failures++) {
    signal.throwIfAborted()
    try {
      const connection = await NativeConnection.connect({ address, ...(apiKey === null ? {} : { apiKey, tls: true }) })
      if (failures > 0) logger.info({ address }, 'temporal is reachable')
      return connection
    } catch (error) {
      if (failures === 0)
        logger.warn({ address, error: describeError(error) }, 'temporal is not reachable; trying again until it is')
      await sleep(retryMs, undefined, { signal })
    }
  }
}
