import type { JsonObject } from '../core/json.ts'
import { camelCaseFieldsOf, refuseRest, requireList, take, takeRequired } from './native-fields.ts'
import { createDraft, finishEmbedding, leaveOut, type Translation } from './translation-draft.ts'
import { unsupportedRequest } from './unsupported-request.ts'

/** An EmbedContentRequest: https://ai.google.dev/api/embeddings. `taskType` and `title` change the numbers, and nobody else has them. */
export function fromGeminiEmbedding(body: JsonObject): Translation {
  const draft = createDraft('request', 'content')
  const fields = camelCaseFieldsOf(body, 'request')
  take(fields, 'model')
  const { value, path } = takeRequired(fields, 'content')
  const content = camelCaseFieldsOf(value, path)
  take(content, 'role')
  const parts = takeRequired(content, 'parts')
  refuseRest(content)
  const [part, ...others] = requireList(parts)
  if (part === undefined || others.length > 0) throw unsupportedRequest(parts.path, 'only one text can be translated')
  const partFields = camelCaseFieldsOf(part.value, part.path)
  const input = takeRequired(partFields, 'text')
  refuseRest(partFields)
  const dimensions = take(fields, 'outputDimensionality')
  leaveOut(draft, fields, ['autoTruncate'])
  refuseRest(fields)
  return finishEmbedding(draft, input, dimensions)
}
