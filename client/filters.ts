import type { ErrorClass } from '../core/error-classes.ts'
import type { ItemStatus, JobStatus, OutcomeStatus } from '../core/statuses.ts'
import type { HttpRequest } from './http.ts'

interface PageSize {
  /** Rows a request, 1 to 1000; reading goes on over all pages whatever it is. */
  readonly limit?: number | undefined
}

export interface JobFilters extends PageSize {
  readonly status?: readonly JobStatus[] | undefined
  readonly name?: string | undefined
  readonly id_prefix?: string | undefined
  /** `key=value`, or a key that must be there; all must match. */
  readonly tag?: readonly string[] | undefined
  readonly provider?: string | undefined
  readonly model?: string | undefined
  /** ISO 8601. */
  readonly created_after?: string | undefined
}

export interface ItemFilters extends PageSize {
  readonly status?: readonly ItemStatus[] | undefined
  readonly error_class?: readonly ErrorClass[] | undefined
  readonly custom_id?: string | undefined
}

export interface EventFilters extends PageSize {
  /** Only events after this number. */
  readonly after_n?: number | undefined
}

export interface ModelFilters extends PageSize {
  readonly provider?: string | undefined
  /** A part of the name. */
  readonly name?: string | undefined
}

export interface ResultFilters {
  /** Only items after this position in the input. */
  readonly after_seq?: number | undefined
  /** Results at most. */
  readonly limit?: number | undefined
  readonly status?: readonly OutcomeStatus[] | undefined
}

/** The filters as the API's query: lists of names go as one parameter, tags as one each. */
export function queryOf(
  filters: JobFilters | ItemFilters | EventFilters | ModelFilters | ResultFilters,
): Exclude<HttpRequest['query'], undefined> {
  return Object.fromEntries(
    Object.entries(filters).map(([name, value]: [string, string | number | readonly string[] | undefined]) => [
      name,
      Array.isArray(value) && name !== 'tag' ? value.join(',') || undefined : value,
    ]),
  )
}
