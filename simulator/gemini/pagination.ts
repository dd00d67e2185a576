import { invalidArgument } from './errors.ts'

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Absent on the last page. */
  readonly nextPageToken?: string
}

/**
 * The page that `pageSize` and `pageToken` ask for (https://ai.google.dev/api/files#method:-files.list). A token says after which item it goes on, so that
 * what is added at the top meanwhile moves nothing.
 */
export function page<Item extends { readonly id: string }>(
  items: readonly Item[],
  url: URL,
  { standard, most }: { readonly standard: number; readonly most: number },
): Page<Item> {
  const asked = Number(url.searchParams.get('pageSize') ?? standard)
  if (!Number.isInteger(asked) || asked < 0) throw invalidArgument('page_size must be a positive integer.')
  const size = Math.min(asked === 0 ? standard : asked, most)
  const token = url.searchParams.get('pageToken')
  const from = token === null || token === '' ? 0 : items.findIndex(({ id }) => tokenOf(id) === token) + 1
  if (token !== null && token !== '' && from === 0) throw invalidArgument('page_token is invalid.')
  const shown = items.slice(from, from + size)
  const last = shown.at(-1)
  return {
    items: shown,
    ...(last === undefined || from + size >= items.length ? {} : { nextPageToken: tokenOf(last.id) }),
  }
}

function tokenOf(id: string): string {
  return Buffer.from(id).toString('base64url')
}
