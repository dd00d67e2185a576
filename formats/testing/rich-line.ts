import type { JsonObject } from '../../core/json.ts'
import type { ProviderKind } from '../../core/provider-kind.ts'

/** For tests: a line with all that can be said to others. Together these have every kind of object that a translation reads. */
export interface RichLine {
  readonly name: string
  readonly line: JsonObject
  readonly targets: readonly ProviderKind[]
  /** Paths of the objects that nobody looks into, because they are passed on as they are. */
  readonly passedOn: readonly string[]
  /** Of the objects that nobody looks into, because they are left out as a whole: their paths, or the field that they are in wherever it is. */
  readonly leftOut: readonly string[]
}

export const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }
export const png = 'https://x.example/a.png'
export const pdf = 'https://x.example/a.pdf'
