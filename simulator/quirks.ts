import { z } from 'zod'
import { durationMs } from './durations.ts'

const rate = z.coerce.number().min(0).max(1)
const count = z.coerce.number().int().min(0)
/** `--fault quirk:lying_counts` and `quirk:random_order=false` arrive as text. */
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])

/** Oddities of a provider that is otherwise well. `catalogue.ts` says what each does and where it was seen. */
export const quirksSchema = z.strictObject({
  random_order: flag.default(true),
  separate_error_file: flag.default(true),
  lying_counts: flag.default(false),
  empty_string_file_ids: flag.default(false),
  cancelled_lines_in_error_file: flag.default(false),
  output_file_delay_ms: durationMs.default(0),
  list_delay_ms: durationMs.default(0),
  retrieve_delay_ms: durationMs.default(0),
  repeated_lines: rate.default(0),
  missing_lines: rate.default(0),
  foreign_lines: count.default(0),
  swapped_keys: rate.default(0),
  invalid_json_lines: rate.default(0),
  invalid_utf8_lines: rate.default(0),
  long_line_bytes: count.default(0),
  truncated_downloads: count.default(0),
  counts_delay_ms: durationMs.default(0),
  file_processing_ms: durationMs.default(0),
  unreachable_result_files: flag.default(true),
  inline_results: flag.default(false),
  missing_metadata: flag.default(false),
  broken_json_schema: flag.default(false),
  repeated_webhooks: count.default(0),
})

export type Quirks = z.output<typeof quirksSchema>
export type QuirkName = keyof Quirks
export const quirkNames = Object.keys(quirksSchema.shape) as readonly QuirkName[]
