import type { Model } from '../api/contracts/models.ts'
import { queryOf, type ModelFilters } from './filters.ts'
import type { Http } from './http.ts'
import { allPages } from './paging.ts'

/** The models that one Batchwright knows. */
export class Models {
  readonly #http: Http

  constructor(http: Http) {
    this.#http = http
  }

  /** By provider. Throws `unknown_provider`. */
  list(filters: ModelFilters = {}): AsyncGenerator<Model, void, undefined> {
    return allPages(this.#http, '/v1/models', queryOf(filters))
  }
}
