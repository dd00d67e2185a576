import { decideItemFault, type ItemFault } from './item-faults.ts'
import { itemFaultRules, type LiveOptions } from './options.ts'

export interface AttemptState {
  attemptsOf(fingerprint: string): number
  record(entry: { readonly type: 'attempt'; readonly fingerprint: string }): void
}

/** The fault of a realtime call, counted at once as an attempt where the prompt fails a limited number of times. */
export function takeItemFault(options: LiveOptions, state: AttemptState, fingerprint: string, text: string): ItemFault | null {
  const rules = itemFaultRules(options.current)
  const { fault, counted } = decideItemFault(rules, options.seed, fingerprint, text, state.attemptsOf(fingerprint))
  if (counted) state.record({ type: 'attempt', fingerprint })
  return fault
}
