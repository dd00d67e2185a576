import { invalidRequest } from './errors.ts'
import type { WireList } from './wire.ts'

export interface PageQuery {
  readonly limit: number
  readonly after: string | null
}

/** `limit` and `after` of a list. Throws the API's 400 for a limit that it doesn't take. */
export function pageQuery(url: URL, mostLimit: number, defaultLimit = mostLimit): PageQuery {
  const text = url.searchParams.get('limit')
  const limit = text === null ? defaultLimit : Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > mostLimit)
    throw invalidRequest(`Invalid 'limit': expected an integer from 1 to ${mostLimit}.`, 'limit')
  return { limit, after: url.searchParams.get('after') }
}

/** The page after `after`; an id that isn't in the list is refused, as it was probably deleted or is another project's. */
export function page<Item extends { readonly id: string }, Wire>(
  items: readonly Item[],
  { limit, after }: PageQuery,
  wire: (item: Item) => Wire,
): WireList<Wire> {
  const from = after === null ? 0 : items.findIndex((item) => item.id === after) + 1
  if (after !== null && from === 0) throw invalidRequest(`Invalid 'after': no object with id '${after}'.`, 'after')
  const shown = items.slice(from, from + limit)
  return {
    object: 'list',
    data: shown.map(wire),
    first_id: shown[0]?.id ?? null,
    last_id: shown.at(-1)?.id ?? null,
    has_more: from + limit < items.length,
  }
}
