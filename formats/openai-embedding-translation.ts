import type { JsonObject } from '../core/json.ts'
import { readObject, take, takeRequired, takeSilently } from './native-fields.ts'
import { createDraft, finishEmbedding, leaveOut, type Translation } from './translation-draft.ts'

/** The body of a line for `/v1/embeddings`. https://developers.openai.com/api/reference/resources/embeddings/methods/create */
export function fromEmbeddingsBody(body: JsonObject): Translation {
  const draft = createDraft('body', 'input')
  return readObject({ value: body, path: 'body' }, (fields) => {
    takeSilently(fields, 'model')
    // How the numbers are written, and who asks for them.
    leaveOut(draft, fields, ['encoding_format', 'user'])
    return finishEmbedding(draft, takeRequired(fields, 'input'), take(fields, 'dimensions'))
  })
}
