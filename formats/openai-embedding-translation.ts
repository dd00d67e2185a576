import type { JsonObject } from '../core/json.ts'
import { fieldsOf, refuseRest, take, takeRequired } from './native-fields.ts'
import { createDraft, finishEmbedding, leaveOut, type Translation } from './translation-draft.ts'

/** The body of a line for `/v1/embeddings`. https://developers.openai.com/api/reference/resources/embeddings/methods/create */
export function fromEmbeddingsBody(body: JsonObject): Translation {
  const draft = createDraft('body', 'input')
  const fields = fieldsOf(body, 'body')
  take(fields, 'model')
  const input = takeRequired(fields, 'input')
  const dimensions = take(fields, 'dimensions')
  // How the numbers are written, and who asks for them.
  leaveOut(draft, fields, ['encoding_format', 'user'])
  refuseRest(fields)
  return finishEmbedding(draft, input, dimensions)
}
