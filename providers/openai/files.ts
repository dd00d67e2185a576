import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { toStreamingFile } from 'openai'
import { ProviderError, type UploadInput } from '../provider.ts'
import { unclonedBody } from '../single-post.ts'
import type { OpenAiContext } from './client.ts'
import { toProviderError } from './errors.ts'

/**
 * Input files go by themselves after a week: long enough for a batch and a long pause before it, and nothing stays behind of an upload whose
 * answer was lost. Between an hour and 30 days: https://developers.openai.com/api/reference/resources/files/methods/create
 */
const inputFileSeconds = 7 * 24 * 3600

/**
 * Uploads a spool file, chunk by chunk as the network takes it. (`fs.openAsBlob` looks like the same, but reads the whole file ahead: 280 MB of memory
 * for 200 MB, against 125 MB.)
 */
export async function uploadFile({ client, timeouts }: OpenAiContext, input: UploadInput): Promise<{ inputFileId: string }> {
  const { size } = await stat(input.path)
  const source = createReadStream(input.path, { highWaterMark: 256 * 1024 })
  try {
    // OpenAI refuses a batch file whose name doesn't end in .jsonl.
    const name = input.fileName.endsWith('.jsonl') ? input.fileName : `${input.fileName}.jsonl`
    const file = await client.files.create(
      {
        file: toStreamingFile(source, name, { type: 'application/jsonl' }),
        purpose: 'batch',
        expires_after: { anchor: 'created_at', seconds: inputFileSeconds },
      },
      { signal: input.signal, timeout: timeouts.uploadMs, fetchOptions: unclonedBody },
    )
    if (typeof file.id !== 'string' || file.id === '')
      throw new ProviderError('upload: the answer has no file id', { kind: 'transient' })
    if (typeof file.bytes === 'number' && file.bytes !== size) {
      throw new ProviderError(`upload: ${file.bytes} of ${size} bytes arrived`, { kind: 'transient', code: 'upload_incomplete' })
    }
    return { inputFileId: file.id }
  } catch (error) {
    throw toProviderError(error, 'upload')
  } finally {
    source.destroy()
  }
}

/** Tries all of them, then throws the first failure. A file that is gone is what was wanted. */
export async function deleteFiles({ client }: OpenAiContext, fileIds: readonly string[], signal: AbortSignal): Promise<void> {
  let failure: ProviderError | null = null
  for (const fileId of fileIds) {
    try {
      await client.files.delete(fileId, { signal })
    } catch (error) {
      const providerError = toProviderError(error, `delete file ${fileId}`)
      if (providerError.kind !== 'not_found') failure ??= providerError
    }
  }
  if (failure !== null) throw failure
}
