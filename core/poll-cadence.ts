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
  /** Since what is reported as done last changed, or since the creation; by the same clock as `elapsedMs`. */
  readonly sinceProgressMs: number
  /** So far, this one included. */
  readonly polls: number
  /** Until the provider gives the batch up; null when it did not say. Negative when that moment has passed. */
  readonly expiresInMs: number | null
}

/**
 * The wait before the next poll. A wait in proportion to the batch's age keeps the delay of detection a small part of its duration
 * with few calls, whatever that duration is; reported progress stretches waits while the end is far and shortens them when it is
 * near; the moment of expiry is never slept past. Reports never cost more polls than silence would: waits are shortened only with
 * polls that longer waits have saved. Pure, so that 24 hours of behaviour are tested without waiting for them.
 */
export function nextPollDelayMs(policy: PollingPolicy, observation: BatchObservation): number {
  const { elapsedMs, done, total, sinceProgressMs, polls, expiresInMs } = observation
  const clamp = (delayMs: number) => Math.round(Math.min(policy.maxMs, Math.max(policy.initialMs, delayMs)))
  const silentDelayMs = Math.max(policy.initialMs, elapsedMs * (policy.growth - 1))
  let delayMs = silentDelayMs
  if (done !== null && done > 0 && total > 0) {
    // Half of what seems to remain: an estimate from the past pace is off by a factor of two easily, in both directions.
    const halfOfRestMs = done >= total ? 0 : (elapsedMs * (total - done)) / done / 2
    if (halfOfRestMs >= silentDelayMs) delayMs = Math.min(silentDelayMs * 3, halfOfRestMs)
    else if (polls < silentPolls(policy, elapsedMs)) {
      // What has stood still for a while is not about to end, whatever its counts say: the shortening wears off.
      delayMs = Math.min(silentDelayMs, Math.max(silentDelayMs / 4, halfOfRestMs, sinceProgressMs / 4))
    }
  }
  if (expiresInMs !== null) {
    // A provider that does not keep to its own time may not do so for long: this shortening wears off, too.
    const expiryPollMs = expiresInMs > 0 ? expiresInMs + policy.initialMs : Math.max(policy.initialMs * 2, -expiresInMs / 4)
    delayMs = Math.min(delayMs, expiryPollMs)
  }
  return clamp(delayMs)
}

/** How many polls a batch of this age has had if nothing was ever reported: the first wait, then a share of its age, then the longest wait. */
function silentPolls({ initialMs, maxMs, growth }: PollingPolicy, elapsedMs: number): number {
  const growingFromMs = initialMs / (growth - 1)
  const growingToMs = maxMs / (growth - 1)
  if (elapsedMs <= growingFromMs) return elapsedMs / initialMs
  const grown = Math.log(Math.min(elapsedMs, growingToMs) / growingFromMs) / Math.log(growth)
  return growingFromMs / initialMs + grown + Math.max(0, elapsedMs - growingToMs) / maxMs
}
