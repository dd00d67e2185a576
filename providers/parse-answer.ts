import type { z } from 'zod'
import { ProviderError } from './provider.ts'

/** An answer that has no known form: transient, for after a create nobody knows then whether there is a batch. `what` says what it should be. */
export function parseAnswer<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  call: string,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new ProviderError(`${call}: the answer is not ${what}${field === '' ? '' : ` (${field})`}`, {
    kind: 'transient',
    code: 'unreadable_answer',
    cause: parsed.error,
  })
}
