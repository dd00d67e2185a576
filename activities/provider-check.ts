import { describeError } from '../core/errors.ts'
import type { Lane } from '../core/task-queues.ts'
import { ProviderError, type ProviderErrorKind } from '../providers/provider.ts'
import type { ActivityDependencies } from './dependencies.ts'
import { withFailures } from './failures.ts'
import { cancellationSignal } from './heartbeat.ts'

/** Far enough back for a clock that is slow, and near enough for one page. */
const sinceMs = 5 * 60_000
/** Below the time that the workflow gives the activity: this one can say what was waited for. */
const longestCallMs = 15_000

/** What a worker found out about a provider with its own key. */
export type ProviderCall =
  | { readonly result: 'ok'; readonly tookMs: number }
  | {
      readonly result: 'failed'
      readonly tookMs: number
      readonly kind: ProviderErrorKind
      readonly httpStatus: number | null
      readonly message: string
    }

export function createProviderCheckActivities({ providers }: ActivityDependencies) {
  return {
    /** Lists the latest batches of a provider, which costs nothing. A call that fails is a result; `not_served`: this worker does not have it. */
    async checkProvider(lane: Lane): Promise<ProviderCall | { readonly result: 'not_served' }> {
      const provider = providers.find(lane.provider)
      if (provider?.simulated !== lane.simulated) return { result: 'not_served' }
      return await withFailures(async () => {
        const startedMs = performance.now()
        const tookMs = () => Math.round(performance.now() - startedMs)
        const timeout = AbortSignal.timeout(longestCallMs)
        try {
          const batches = provider.list(new Date(Date.now() - sinceMs), AbortSignal.any([cancellationSignal(), timeout]))
          for await (const _ of batches) break
          return { result: 'ok', tookMs: tookMs() }
        } catch (error) {
          if (!(error instanceof ProviderError)) throw error
          const message = timeout.aborted ? `no answer within ${longestCallMs / 1000} s` : describeError(error)
          return { result: 'failed', tookMs: tookMs(), kind: error.kind, httpStatus: error.httpStatus, message }
        }
      })
    },
  }
}
