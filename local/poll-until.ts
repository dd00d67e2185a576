import { setTimeout as delay } from 'node:timers/promises'

export type PollOptions = {
  deadlineMs: number
  /** Pause between two probes; short, because what is waited for here is local. */
  intervalMs?: number
  signal?: AbortSignal | undefined
}

/**
 * Calls `probe` until it returns something other than `undefined`, and returns that; `undefined` when the deadline passed.
 * What `probe` throws is thrown, so that a hopeless wait can end at once. Throws the signal's reason when aborted.
 */
export async function pollUntil<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  options: PollOptions,
): Promise<T | undefined> {
  const end = performance.now() + options.deadlineMs
  for (;;) {
    options.signal?.throwIfAborted()
    const result = await probe()
    if (result !== undefined) return result
    if (performance.now() >= end) return undefined
    await delay(options.intervalMs ?? 50)
  }
}
