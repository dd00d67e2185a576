/** Why an item has no good answer (yet). */
export const errorClasses = [
  'transient',
  'rate_limited',
  'expired',
  'missing',
  'truncated',
  'invalid_output',
  'invalid_request',
  'content_filter',
  'refusal',
  'auth',
  'budget',
  'unknown',
] as const
export type ErrorClass = (typeof errorClasses)[number]

/** What happened to an item before the attempt that is being judged. */
export interface AttemptHistory {
  /** Classes of its earlier attempts, oldest first. */
  readonly earlierClasses: readonly ErrorClass[]
  /** The round it is in, from 1. */
  readonly round: number
  readonly maxRounds: number
  /** The parameter that the provider refused, if it named one that we can leave out. */
  readonly cleanableParameter?: string | null
}

/**
 * Whether an item whose answer is of this class is sent again in the next round (design, section 3, step 8).
 * An item that was asked for twice on purpose (`truncated`, `invalid_output`) is paid for twice.
 */
export function isSentAgain(errorClass: ErrorClass, history: AttemptHistory): boolean {
  // An item refused for its key means that the key broke while the batch ran: the job pauses, this round does not count, and it goes on with this item.
  if (errorClass === 'auth') return true
  if (history.round >= history.maxRounds) return false
  switch (errorClass) {
    case 'transient':
    case 'rate_limited':
    case 'expired':
    case 'missing':
    case 'invalid_output':
      return true
    case 'truncated':
      return !history.earlierClasses.includes('truncated')
    case 'invalid_request':
      return history.cleanableParameter != null && !history.earlierClasses.includes('invalid_request')
    case 'content_filter':
    case 'refusal':
    case 'budget':
    case 'unknown':
      return false
  }
}

/** The outcome that an item ends with when this was its last attempt. */
export function outcomeOfClass(errorClass: ErrorClass): 'failed' | 'expired' {
  return errorClass === 'expired' ? 'expired' : 'failed'
}
