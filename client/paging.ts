import type { Page } from '../api/contracts/lists.ts'
import type { Http, HttpRequest } from './http.ts'
import { readJson } from './problem.ts'

/** All rows of a list, fetched a page at a time as they are read. */
export async function* allPages<Row>(
  http: Http,
  path: string,
  query: Exclude<HttpRequest['query'], undefined> = {},
  signal?: AbortSignal,
): AsyncGenerator<Row, void, undefined> {
  let cursor: string | undefined
  do {
    const response = await http.send({ path, query: { ...query, cursor }, signal })
    const page = (await readJson(response, ({ data }) => Array.isArray(data))) as unknown as Page<Row>
    yield* page.data
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
}
