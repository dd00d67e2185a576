/** How often a batch is polled. Durations in milliseconds. */
export interface PollingPolicy {
  /** The first wait, and the shortest one. */
  readonly initialMs: number
  /** The longest wait. */
  readonly maxMs: number
  /** Each poll comes at about `growth` times the age that the batch had at the poll before: 1.06 means waits of 6 % of its age. */
  readonly growth: number
}

/** What the last poll saw. */
export interface BatchObservation {
  /** Since the batch was created at the provider. */
  readonly elapsedMs: number
  /** Requests the provider reports as done, or null when it reports nothing (Anthropic until the end). A hint, never a fact. */
  readonly done: number | null
  readonly total: number
  /** Until the provider gives the batch up; null when it did not say. Negative when that moment has passed. */
  readonly expiresInMs: number | null
}

/**
 * The wait before the next poll. A wait in proportion to the batch's age keeps the delay of detection a small part of its duration
 * with few calls, whatever that duration is; reported progress stretches waits while the end is far and shortens them when it is
 * near; the moment of expiry is never slept past. Pure, so that 24 hours of behaviour are tested without waiting for them.
 */
export function nextPollDelayMs(policy: PollingPolicy, observation: BatchObservation): number {
  const { elapsedMs, done, total, expiresInMs } = observation
  const clamp = (delayMs: number) => Math.round(Math.min(policy.maxMs, Math.max(policy.initialMs, delayMs)))
  let delayMs = Math.max(policy.initialMs, elapsedMs * (policy.growth - 1))
  if (done !== null && done > 0 && total > 0) {
    const remainingMs = done >= total ? 0 : (elapsedMs * (total - done)) / done
    // Half of what seems to remain: an estimate from the past pace is off by a factor of two easily, in both directions.
    delayMs = remainingMs < 2 * delayMs ? Math.max(delayMs / 4, remainingMs / 2) : Math.min(delayMs * 3, remainingMs / 2)
  }
  if (expiresInMs !== null) {
    const expiryPollMs = expiresInMs > 0 ? expiresInMs + policy.initialMs : policy.initialMs * 2
    delayMs = Math.min(delayMs, expiryPollMs)
  }
  return clamp(delayMs)
}
