import { httpFaultEffects, httpFaultSchema, type HttpFaultRule } from './http-faults.ts'
import { itemFaultKinds, itemFaultSchema, type ItemFaultRule } from './item-faults.ts'
import { quirkNames, type QuirkName } from './quirks.ts'

export type Fault =
  | { readonly type: 'http'; readonly rule: HttpFaultRule }
  | { readonly type: 'item'; readonly rule: ItemFaultRule }
  | { readonly type: 'quirk'; readonly name: QuirkName; readonly value: unknown }

/**
 * Reads a fault as it is written on the command line: `ROUTE:EFFECT[:name=value,…]` (`batches.create:accept_then_drop:times=2`),
 * `items:KIND[:name=value,…]` (`items:transient:rate=0.1,first_attempts=1`) or `quirk:NAME[=value]`. Throws an Error with one line for a person.
 */
export function parseFault(text: string): Fault {
  const [target = '', name = '', settingsText = ''] = splitInto3(text)
  if (target === 'quirk') {
    const [quirkName = '', value] = name.split('=', 2)
    const quirk = quirkNames.find((known) => known === quirkName)
    if (quirk === undefined) throw new Error(`fault "${text}": no quirk "${quirkName}" (there are: ${quirkNames.join(', ')})`)
    return { type: 'quirk', name: quirk, value: value ?? true }
  }
  const settings = Object.fromEntries(
    settingsText
      .split(',')
      .filter((part) => part !== '')
      .map((part) => {
        const equals = part.indexOf('=')
        return equals < 0 ? [part, 'true'] : [part.slice(0, equals), part.slice(equals + 1)]
      }),
  )
  if (target === 'items') {
    if (!itemFaultKinds.some((kind) => kind === name))
      throw new Error(`fault "${text}": no item fault "${name}" (there are: ${itemFaultKinds.join(', ')})`)
    return { type: 'item', rule: check(text, itemFaultSchema.safeParse({ kind: name, ...settings })) }
  }
  if (!httpFaultEffects.some((effect) => effect === name))
    throw new Error(`fault "${text}": no effect "${name}" (there are: ${httpFaultEffects.join(', ')})`)
  const { retry_after: retryAfter, ...rest } = settings
  const headers = retryAfter === undefined ? {} : { headers: { 'retry-after': retryAfter } }
  return { type: 'http', rule: check(text, httpFaultSchema.safeParse({ route: target, effect: name, ...rest, ...headers })) }
}

function splitInto3(text: string): string[] {
  const first = text.indexOf(':')
  if (first < 0) throw new Error(`fault "${text}": write it as ROUTE:EFFECT, items:KIND or quirk:NAME`)
  const second = text.indexOf(':', first + 1)
  return second < 0
    ? [text.slice(0, first), text.slice(first + 1)]
    : [text.slice(0, first), text.slice(first + 1, second), text.slice(second + 1)]
}

type Parsed<T> =
  | { success: true; data: T }
  | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } }

function check<T>(text: string, parsed: Parsed<T>): T {
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Error(
    `fault "${text}": ${issue === undefined ? 'not understood' : `${issue.path.join('.')} ${issue.message}`.trim()}`,
  )
}
