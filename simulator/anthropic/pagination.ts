import { invalidRequest } from './errors.ts'
import type { WirePage } from './wire.ts'

const mostLimit = 1000
const defaultLimit = 20

/**
 * The page that `limit`, `after_id` and `before_id` ask for (https://platform.claude.com/docs/en/api/listing-message-batches): `items` are newest first;
 * `has_more` is about the direction in which the caller goes.
 */
export function page<Item extends { readonly id: string }, Wire>(
  items: readonly Item[],
  url: URL,
  wire: (item: Item) => Wire,
): WirePage<Wire> {
  const limit = Number(url.searchParams.get('limit') ?? defaultLimit)
  if (!Number.isInteger(limit) || limit < 1 || limit > mostLimit)
    throw invalidRequest(`limit: Input should be between 1 and ${mostLimit}`)
  const before = url.searchParams.get('before_id')
  const after = url.searchParams.get('after_id')
  const [from, to] =
    before === null
      ? [after === null ? 0 : indexOf(items, 'after_id', after) + 1, Number.POSITIVE_INFINITY]
      : [0, indexOf(items, 'before_id', before)]
  const range = items.slice(from, to)
  const shown = before === null ? range.slice(0, limit) : range.slice(-limit)
  return {
    data: shown.map(wire),
    first_id: shown[0]?.id ?? null,
    last_id: shown.at(-1)?.id ?? null,
    has_more: range.length > shown.length,
  }
}

function indexOf(items: readonly { readonly id: string }[], name: string, id: string): number {
  const index = items.findIndex((item) => item.id === id)
  if (index < 0) throw invalidRequest(`${name}: no object with the id ${id}`)
  return index
}
