import { z } from 'zod'
import { durationMs } from './durations.ts'
import { randomFrom } from './random.ts'

export const httpFaultEffects = ['refuse', 'accept_then_drop', 'delay', 'status', 'hold', 'truncate'] as const
export type HttpFaultEffect = (typeof httpFaultEffects)[number]

/** Routes by name; with a provider in front (`openai/batches.create`) for that one only, `*` for all. */
export const httpFaultSchema = z.strictObject({
  route: z.string().min(1),
  effect: z.enum(httpFaultEffects),
  /** How many calls it hits; `always` without end. */
  times: z.union([z.literal('always'), z.coerce.number().int().min(1)]).default(1),
  /** Calls that match but are let through first. */
  skip: z.coerce.number().int().min(0).default(0),
  probability: z.coerce.number().min(0).max(1).default(1),
  /** Before anything else; the whole of the effect `delay`. */
  delay_ms: durationMs.default(0),
  status: z.coerce.number().int().min(400).max(599).default(500),
  headers: z.record(z.string(), z.coerce.string()).default({}),
  /** The body of a `status`, or a message for the provider's own shape of an error. */
  body: z.unknown().optional(),
  message: z.string().optional(),
  after_bytes: z.coerce.number().int().min(0).default(0),
})
export type HttpFaultRule = z.output<typeof httpFaultSchema>

export interface ActiveHttpFault extends HttpFaultRule {
  readonly id: string
  /** How often it has hit so far. */
  hits: number
}

export interface HttpFaults {
  /** Throws for a route that no provider has: such a fault would never hit, and the rehearsal prove nothing. */
  add(rule: HttpFaultRule): ActiveHttpFault
  list(): readonly ActiveHttpFault[]
  clear(id?: string): void
  /** The first rule that hits this call, counted as a hit; null if none does. */
  take(provider: string, route: string): ActiveHttpFault | null
}

/** `routes`: all that there are, as `provider/name`. */
export function createHttpFaults(seed: number, routes: readonly string[]): HttpFaults {
  const random = randomFrom(seed)
  let rules: ActiveHttpFault[] = []
  let lastId = 0
  return {
    add(rule) {
      if (!routes.some((route) => matches(rule.route, ...splitRoute(route)))) {
        const names = new Set(routes.map((route) => splitRoute(route)[1]))
        throw new Error(`fault: no route "${rule.route}" (there are: ${[...names].sort().join(', ')})`)
      }
      const active: ActiveHttpFault = { ...rule, id: `fault-${++lastId}`, hits: 0 }
      rules.push(active)
      return active
    },
    list: () => rules,
    clear(id) {
      rules = id === undefined ? [] : rules.filter((rule) => rule.id !== id)
    },
    take(provider, route) {
      for (const rule of rules) {
        if (!matches(rule.route, provider, route)) continue
        if (rule.times !== 'always' && rule.hits >= rule.times) continue
        if (rule.skip > 0) {
          rule.skip--
          continue
        }
        if (rule.probability < 1 && random() >= rule.probability) continue
        rule.hits++
        return rule
      }
      return null
    },
  }
}

function splitRoute(route: string): [provider: string, name: string] {
  const slash = route.indexOf('/')
  return [route.slice(0, slash), route.slice(slash + 1)]
}

function matches(pattern: string, provider: string, route: string): boolean {
  const slash = pattern.indexOf('/')
  if (slash >= 0 && pattern.slice(0, slash) !== provider) return false
  const name = slash >= 0 ? pattern.slice(slash + 1) : pattern
  return name === '*' || name === route || (name.endsWith('.*') && route.startsWith(name.slice(0, -1)))
}
