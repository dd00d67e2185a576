import { BatchwrightError } from '../core/errors.ts'
import type { ApiContext } from './router.ts'
import { inputTooLarge } from './uploads/input-stream.ts'

/** What a body of items is, by its headers. */
export type InputType = 'json' | 'jsonl' | 'csv' | 'multipart'

const types: Readonly<Record<string, InputType>> = {
  'application/json': 'json',
  'application/x-ndjson': 'jsonl',
  'application/jsonl': 'jsonl',
  'application/x-jsonlines': 'jsonl',
  'text/csv': 'csv',
  'multipart/form-data': 'multipart',
}

/**
 * Throws `unsupported_media_type` for a type that is not among those taken and for a body that is encoded, and `input_too_large` before anything is read,
 * where the size is said ahead.
 */
export function inputTypeOf<Taken extends InputType>(context: ApiContext, taken: readonly Taken[], maxBytes: number): Taken {
  // Multipart adds a little around the file.
  if (Number(context.req.header('content-length') ?? 0) > maxBytes + 1024 * 1024) throw inputTooLarge(maxBytes)
  const encoding = context.req.header('content-encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity')
    throw new BatchwrightError(
      'unsupported_media_type',
      `content-encoding "${encoding}" is not taken: send the items uncompressed`,
    )
  const mediaType = context.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const type = taken.find((one) => one === types[mediaType])
  if (type !== undefined) return type
  const names = taken.map((one) => Object.keys(types).find((name) => types[name] === one) as string)
  throw new BatchwrightError(
    'unsupported_media_type',
    `the content type ${mediaType === '' ? 'is missing' : `"${mediaType}" is not taken`}: send ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`,
  )
}
