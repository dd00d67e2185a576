import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ActivitySettings } from '../activities/index.ts'
import type { Config, ProviderConfig } from '../config/config.ts'
import type { JobSpec } from '../core/job-spec.ts'

/** The simulator answers in seconds, so its jobs don't wait as long as those of a provider that takes hours. */
const simulatedPolling: JobSpec['polling'] = { initial: '250ms', max: '10s' }
const simulatedRetry: JobSpec['retry'] = { backoff: '1s' }
const simulatedSettleAfterMs = 2000
const simulatedSendWindowMs = 10_000
/** A create that carries its whole batch, up to 256 MB, takes as long as an upload. */
const wholeBatchSendWindowMs = 15 * 60_000
/** Between the two listings that must agree: long enough for a listing that lags, within the time to settle. */
const longestSettlePauseMs = 15_000

/** What activities obey, from the configuration: a provider's own settings win over those for all. */
export function activitySettings(config: Config): Omit<ActivitySettings, 'searchAttributes'> {
  const find = (name: string): ProviderConfig | undefined => config.providers.find((provider) => provider.name === name)
  return {
    polling: (name) => {
      const provider = find(name)
      return [provider?.polling, config.polling, provider?.simulated === true ? simulatedPolling : undefined]
    },
    retry: (name) => {
      const provider = find(name)
      return [provider?.retry, config.retry, provider?.simulated === true ? simulatedRetry : undefined]
    },
    capacity: (name) => {
      const provider = find(name)
      // Without its key, what the configuration says about it may be no more than the defaults.
      if (provider?.configured !== true) return null
      return { maxInFlightBatches: provider.maxInFlightBatches, enqueuedTokens: new Map(Object.entries(provider.enqueuedTokens)) }
    },
    submission: (name) => {
      const isSimulated = find(name)?.simulated === true
      const settleAfterMs = isSimulated
        ? Math.min(simulatedSettleAfterMs, config.submission.settleAfterMs)
        : config.submission.settleAfterMs
      return {
        sendWindowMs: isSimulated
          ? Math.min(simulatedSendWindowMs, config.submission.sendWindowMs)
          : Math.max(config.submission.sendWindowMs, find(name)?.kind === 'anthropic' ? wholeBatchSendWindowMs : 0),
        settleAfterMs,
        settlePauseMs: Math.min(longestSettlePauseMs, settleAfterMs / 4),
      }
    },
    unserved: { afterMs: 2 * 60_000, goneAfterMs: 90_000 },
    retention: config.retention,
    spoolDirectory: join(tmpdir(), 'batchwright-spool'),
    webhook: config.webhook === null ? null : { url: config.webhook.url, secret: config.webhook.secret?.reveal() ?? null },
  }
}
