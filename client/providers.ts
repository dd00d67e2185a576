import type { Provider, ProviderCheck } from '../api/contracts/providers.ts'
import type { Http } from './http.ts'
import { allPages } from './paging.ts'
import { readJson } from './problem.ts'

/** The providers of one Batchwright. */
export class Providers {
  readonly #http: Http

  constructor(http: Http) {
    this.#http = http
  }

  list(): AsyncGenerator<Provider, void, undefined> {
    return allPages(this.#http, '/v1/providers')
  }

  /** Has a worker make one call that costs nothing. What is wrong is in the answer; throws `unknown_provider`. */
  async check(name: string): Promise<ProviderCheck> {
    const response = await this.#http.send({
      method: 'POST',
      path: `/v1/providers/${encodeURIComponent(name)}/check`,
      // Twice does no harm.
      repeat: 'any',
    })
    return (await readJson(response)) as unknown as ProviderCheck
  }
}
