import type { JsonObject } from '../core/json.ts'
import { type NativeField, readCamelCaseObject, requireList, take, takeRequired, takeSilently } from './native-fields.ts'
import { createDraft, finishEmbedding, leaveOut, type Translation } from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** An EmbedContentRequest: https://ai.google.dev/api/embeddings. `taskType` and `title` change the numbers, and nobody else has them. */
export function fromGeminiEmbedding(body: JsonObject): Translation {
  const draft = createDraft('request', 'content')
  return readCamelCaseObject({ value: body, path: 'request' }, (fields) => {
    takeSilently(fields, 'model')
    const input = toText(takeRequired(fields, 'content'))
    leaveOut(draft, fields, ['autoTruncate'])
    return finishEmbedding(draft, input, take(fields, 'outputDimensionality'))
  })
}

function toText(field: NativeField): NativeField {
  return readCamelCaseObject(field, (content) => {
    // Whoever says it, the numbers are the same.
    takeSilently(content, 'role')
    const parts = takeRequired(content, 'parts')
    const [part, ...others] = requireList(parts)
    if (part === undefined || others.length > 0) throw unsupportedRequest(parts.path, 'only one text can be translated')
    return readCamelCaseObject(part, (text) => takeRequired(text, 'text'))
  })
}
