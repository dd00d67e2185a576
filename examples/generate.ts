/**
 * Writes support-tickets.jsonl: 600 tickets to "Tallyfern", an invoicing service that does not exist. The same seed writes the same bytes:
 *
 *     node examples/generate.ts            # writes examples/support-tickets.jsonl
 *     node examples/generate.ts 5000 7 -   # 5,000 tickets of seed 7, to standard output
 */
import { writeFileSync } from 'node:fs'
import { closings, openings, slots, tickets, type SlotName } from './ticket-texts.ts'

const system =
  'You work in the support team of Tallyfern, an invoicing service for small teams. Sort the ticket and write a reply of at most three friendly, concrete sentences. ' +
  'Never promise a date or a refund.'

const [count = '600', seed = '1', target = new URL('./support-tickets.jsonl', import.meta.url)] = process.argv.slice(2)
const random = randomFrom(Number(seed))

let text = ''
const seen = new Set<string>()
for (let number = 1; number <= Number(count); number++) {
  text += `${JSON.stringify(ticketLine(number))}\n`
}
if (target === '-') process.stdout.write(text)
else writeFileSync(target, text)

function ticketLine(number: number): object {
  const ticket = pick(tickets)
  const channel = pick(['email', 'email', 'email', 'chat', 'chat', 'web form', 'app store review'])
  // Two people never write the same: a text that came up before is drawn again.
  let body = ''
  do {
    const sentences = [
      fill(pick(ticket.problems)),
      ...(random() < 0.75 ? [fill(pick(ticket.details))] : []),
      ...(random() < 0.5 ? [fill(pick(ticket.asks))] : []),
    ]
    body = [channel === 'chat' ? '' : pick(openings), sentences.join(' '), channel === 'email' ? pick(closings) : '']
      .filter((part) => part !== '')
      .join('\n\n')
  } while (seen.has(body))
  seen.add(body)
  return {
    custom_id: `ticket-${String(number).padStart(4, '0')}`,
    system,
    prompt: `Subject: ${fill(pick(ticket.subjects))}\nChannel: ${channel}\n\n${fill(body)}`,
    max_tokens: 1500,
    metadata: { channel, plan: pick(['free', 'starter', 'starter', 'team', 'team', 'business']), received: date() },
  }
}

/** Replaces `{slot}` by one of its values. */
function fill(template: string): string {
  return template.replace(/\{([a-z]+)\}/g, (_, name: string) => {
    if (name === 'invoice') return `TF-${10_000 + Math.floor(random() * 90_000)}`
    if (name === 'amount') return (5 + random() * 900).toFixed(2)
    if (name === 'number') return String(2 + Math.floor(random() * 40))
    if (!(name in slots)) throw new Error(`ticket-texts.ts has no slot {${name}}`)
    return pick(slots[name as SlotName])
  })
}

function date(): string {
  return new Date(Date.UTC(2026, 8, 1) + Math.floor(random() * 60 * 24 * 60) * 60_000).toISOString().replace(':00.000Z', 'Z')
}

function pick<T>(values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T
}

/** Mulberry32: small, and the same on every machine. */
function randomFrom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
