import { pick, type Random } from '../random.ts'
import { stringMatching } from './pattern-string.ts'

type Schema = Readonly<Record<string, unknown>>

const words = ['clear', 'steady', 'brief', 'useful', 'recent', 'common', 'likely', 'open', 'small', 'careful', 'early', 'plain']
const things = ['result', 'example', 'reason', 'detail', 'note', 'case', 'point', 'answer', 'summary', 'sign']

/** Values that a person would expect of a field of this name. */
const byName: readonly (readonly [RegExp, readonly string[]])[] = [
  [/sentiment|tone|polarity/i, ['positive', 'negative', 'neutral', 'mixed']],
  [/language|locale/i, ['en', 'de', 'fr', 'es']],
  [/country/i, ['Austria', 'Japan', 'Kenya', 'Chile']],
  [/city/i, ['Graz', 'Osaka', 'Nakuru', 'Valdivia']],
  [/currency/i, ['EUR', 'USD', 'JPY']],
  [/category|label|topic|tag|genre/i, ['billing', 'delivery', 'quality', 'support', 'other']],
  [/priority|severity|urgency/i, ['low', 'medium', 'high']],
  [/name|author|person/i, ['Ada Lovelace', 'Jun Mori', 'Wanjiru Kamau', 'Elisa Rojas']],
]

/** Free text for a field, with the mark of its prompt where its length allows. */
export function stringFor(schema: Schema, random: Random, name: string, mark: string): string {
  const least = typeof schema['minLength'] === 'number' ? schema['minLength'] : 0
  const most = typeof schema['maxLength'] === 'number' ? schema['maxLength'] : Number.POSITIVE_INFINITY
  const expected = byName.find(([pattern]) => pattern.test(name))
  let text =
    expected === undefined
      ? `A ${pick(random, words)} ${pick(random, things)} for ${name.replaceAll('_', ' ')}`
      : pick(random, expected[1])
  const marked = `${text} ${mark}`
  if (marked.length <= most) text = marked
  else if (mark.length <= most) text = mark
  while (text.length < least) text += ` ${pick(random, words)}`
  return text.length > most ? text.slice(0, most) : text
}

const twoDigits = (value: number): string => String(value).padStart(2, '0')

/** A string for a `format` or a `pattern`. */
export function formattedString(schema: Schema, random: Random, mark: string): string {
  const date = `20${twoDigits(20 + Math.floor(random() * 7))}-${twoDigits(1 + Math.floor(random() * 12))}-${twoDigits(1 + Math.floor(random() * 28))}`
  const time = `${twoDigits(Math.floor(random() * 24))}:${twoDigits(Math.floor(random() * 60))}:00Z`
  const hex = (digits: number): string => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')
  const id = mark.replaceAll(/[^0-9a-z]/g, '')
  switch (schema['format']) {
    case 'date':
      return date
    case 'time':
      return time
    case 'date-time':
      return `${date}T${time}`
    case 'duration':
      return `P${1 + Math.floor(random() * 9)}D`
    case 'email':
      return `${id}@example.com`
    case 'hostname':
      return `${id}.example.com`
    case 'ipv4':
      return `192.0.2.${1 + Math.floor(random() * 250)}`
    case 'ipv6':
      return `2001:db8::${hex(4)}`
    case 'uuid':
      return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`
    case 'uri':
    case 'url':
      return `https://example.com/${id}`
    default:
      return typeof schema['pattern'] === 'string'
        ? stringMatching(schema['pattern'], random)
        : stringFor({ ...schema }, random, 'value', mark)
  }
}
