import { z } from 'zod'
import { fractionOf } from './random.ts'

export const itemFaultKinds = [
  'transient',
  'rate_limited',
  'overloaded',
  'expired',
  'missing',
  'truncated',
  'invalid_output',
  'invalid_request',
  'content_filter',
  'refusal',
  'empty',
  'auth',
  'status_zero',
] as const
export type ItemFaultKind = (typeof itemFaultKinds)[number]

/** How `invalid_output` spoils JSON that was asked for. `fence` is the mild one: right JSON inside a Markdown fence. */
export const invalidOutputVariants = ['prose', 'fence', 'invalid_json', 'wrong_schema'] as const
export type InvalidOutputVariant = (typeof invalidOutputVariants)[number]

/** Faults that asking again doesn't heal, unless a rule says how often they happen. */
const permanentKinds: readonly ItemFaultKind[] = ['invalid_request', 'content_filter', 'refusal']

const attemptsSchema = z.union([
  z.literal('always'),
  z.literal(Infinity).transform(() => 'always' as const),
  z.coerce.number().int().min(1),
])

export const itemFaultSchema = z.strictObject({
  kind: z.enum(itemFaultKinds),
  /** The share of prompts that have this fault, chosen by a hash of the prompt's content. */
  rate: z.coerce.number().min(0).max(1).default(1),
  /** How often such a prompt fails before it succeeds. Default: once, and `always` for what asking again can't heal. */
  first_attempts: attemptsSchema.optional(),
  /** `invalid_request`: fails only while the body has this parameter (for a client that removes it and asks again). */
  param: z.string().optional(),
  variant: z.enum(invalidOutputVariants).optional(),
  /** Gemini: the reason that is given for what is withheld (`SAFETY`, `RECITATION`, …), or for an answer that is cut (`THOUGHTS`). */
  reason: z.string().optional(),
})
export type ItemFaultRule = z.output<typeof itemFaultSchema>

/** What is done to one item. `unknown_directive` tells the writer of a prompt about a misspelt directive. */
export interface ItemFault {
  readonly kind: ItemFaultKind | 'unknown_directive'
  readonly param?: string | undefined
  readonly variant?: InvalidOutputVariant | undefined
  readonly reason?: string | undefined
  readonly directive?: string
}

export interface ItemFaultDecision {
  readonly fault: ItemFault | null
  /** Whether this attempt has to be counted: the prompt fails a limited number of times. */
  readonly counted: boolean
}

const noFault: ItemFaultDecision = { fault: null, counted: false }
/** In a prompt: its line makes the whole batch fail validation, named by its number. */
export const refusedLineDirective = '[[simulate:refused_line]]'
const directivePattern = /\[\[simulate:([a-z_]+)((?:\s+[a-z_]+=[^\s\]]+)*)\s*\]\]/g

/**
 * Decides the fault of one item. `attemptsSoFar` is how often this prompt was executed while it had a limited fault. A directive in the prompt wins over
 * the rules; several directives follow one another: `[[simulate:transient times=1]] [[simulate:truncated times=1]]` fails, is cut, then succeeds.
 */
export function decideItemFault(
  rules: readonly ItemFaultRule[],
  seed: number,
  fingerprint: string,
  requestText: string,
  attemptsSoFar: number,
): ItemFaultDecision {
  // A search for plain text is far cheaper than the pattern, and almost no prompt has a directive.
  if (requestText.includes('[[simulate:')) return decideByDirectives(requestText, attemptsSoFar)
  if (rules.length === 0) return noFault
  const position = fractionOf(`${seed}:${fingerprint}`)
  let from = 0
  for (const rule of rules) {
    const to = from + rule.rate
    if (position >= from && position < to) {
      const { kind, param, variant, reason } = rule
      const limit = rule.first_attempts ?? (permanentKinds.includes(kind) ? 'always' : 1)
      return decideWithin([{ fault: { kind, param, variant, reason }, limit }], attemptsSoFar)
    }
    from = to
  }
  return noFault
}

function decideByDirectives(requestText: string, attemptsSoFar: number): ItemFaultDecision {
  const steps = [...requestText.matchAll(directivePattern)].map((match) => {
    const settings = new Map([...(match[2] ?? '').matchAll(/([a-z_]+)=([^\s\]]+)/g)].map((pair) => [pair[1], pair[2]]))
    const kind = itemFaultKinds.find((known) => known === match[1])
    const times = Number(settings.get('times'))
    const fault: ItemFault =
      kind === undefined
        ? { kind: 'unknown_directive', directive: match[0] }
        : {
            kind,
            param: settings.get('param'),
            variant: invalidOutputVariants.find((known) => known === settings.get('variant')),
            reason: settings.get('reason'),
          }
    return { fault, limit: Number.isFinite(times) && times > 0 ? times : ('always' as const) }
  })
  return decideWithin(steps, attemptsSoFar)
}

function decideWithin(
  steps: readonly { fault: ItemFault; limit: number | 'always' }[],
  attemptsSoFar: number,
): ItemFaultDecision {
  let used = 0
  for (const step of steps) {
    if (step.limit === 'always') return { fault: step.fault, counted: used > 0 }
    used += step.limit
    if (attemptsSoFar < used) return { fault: step.fault, counted: true }
  }
  return noFault
}
