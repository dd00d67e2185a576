import type { Endpoint } from '../core/job-spec.ts'
import type { JsonObject } from '../core/json.ts'
import type { ModelCapabilities } from '../core/model-capabilities.ts'
import type { ItemRequest } from './canonical-request.ts'

/** What a job sets for all of its items; a line's own value wins. */
export interface JobDefaults {
  readonly model: string | null
  /** Wins over the line's own model, native lines included: the model of a fallback round. */
  readonly modelOverride: string | null
  readonly endpoint: Endpoint | null
  readonly system: string | null
  readonly schema: JsonObject | null
  readonly maxTokens: number | null
  readonly temperature: number | null
}

/** A job that sets nothing. */
export const noDefaults: JobDefaults = {
  model: null,
  modelOverride: null,
  endpoint: null,
  system: null,
  schema: null,
  maxTokens: null,
  temperature: null,
}

/** What the next round changes in an item because of its last attempt (design, section 3, step 8). */
export interface Revision {
  /** Output tokens are doubled: the last answer was cut off. */
  readonly doubleMaxTokens: boolean
  /** The answer that did not fit the schema, and why. */
  readonly rejectedAnswer: { text: string; reason: string } | null
  /** A top-level parameter that the provider refused. */
  readonly removedParameter: string | null
}

export const noRevision: Revision = { doubleMaxTokens: false, rejectedAnswer: null, removedParameter: null }

/** One request in a provider's own terms. */
export interface RenderedRequest {
  /** The model it goes to. */
  readonly model: string
  readonly endpoint: string
  readonly body: JsonObject
  /** What was dropped or changed on the way, for the result's `warnings`. */
  readonly warnings: string[]
}

/** Renders a request for a provider. Throws a BatchwrightError that names the field when the request can't be expressed. */
export type RenderRequest = (
  request: ItemRequest,
  defaults: JobDefaults,
  capabilitiesOf: (model: string) => ModelCapabilities,
  revision?: Revision,
) => RenderedRequest
