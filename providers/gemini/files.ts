import { open, stat, type FileHandle } from 'node:fs/promises'
import { z } from 'zod'
import { parseAnswer } from '../parse-answer.ts'
import { ProviderError, type UploadInput } from '../provider.ts'
import type { GeminiContext } from './client.ts'
import { toProviderError } from './errors.ts'
import { isInline } from './inline.ts'

/** A multiple of the 256 KiB that the protocol counts in; one of these is all the memory that an upload takes. */
const chunkBytes = 8 * 1024 * 1024

const uploadedFile = z.object({
  file: z.object({ name: z.string().min(1), sizeBytes: z.union([z.string(), z.number()]).nullish() }),
})

/**
 * Uploads a spool file by Google's resumable protocol, chunk by chunk; null when it is so small that it travels in the create. What is uploaded goes by itself
 * after 48 hours. https://ai.google.dev/api/files#method:-media.upload
 */
export async function uploadFile(context: GeminiContext, input: UploadInput): Promise<{ inputFileId: string | null }> {
  const { size } = await stat(input.path)
  if (await isInline(input.path, size, context.inline)) return { inputFileId: null }
  const signal = AbortSignal.any([input.signal, AbortSignal.timeout(context.timeouts.uploadMs)])
  const file = await open(input.path, 'r')
  try {
    const url = await startUpload(context, input.fileName, size, signal)
    const answer = await sendChunks(context, url, file, size, signal)
    const { name, sizeBytes } = parseAnswer(uploadedFile, answer, 'upload', 'a file').file
    if (sizeBytes != null && Number(sizeBytes) !== size) {
      throw new ProviderError(`upload: ${sizeBytes} of ${size} bytes arrived`, { kind: 'transient', code: 'upload_incomplete' })
    }
    return { inputFileId: name }
  } catch (error) {
    throw toProviderError(error, 'upload')
  } finally {
    await file.close()
  }
}

/** Returns where the bytes go. */
async function startUpload(
  { api, timeouts, baseUrl }: GeminiContext,
  name: string,
  size: number,
  signal: AbortSignal,
): Promise<string> {
  const response = await api.send({
    path: 'upload/{api_version}/files',
    method: 'POST',
    // 512 characters at most.
    body: JSON.stringify({ file: { displayName: name.slice(0, 512) } }),
    headers: {
      'X-Goog-Upload-Protocol': 'resumable',
      'X-Goog-Upload-Command': 'start',
      'X-Goog-Upload-Header-Content-Length': String(size),
      'X-Goog-Upload-Header-Content-Type': 'application/jsonl',
    },
    signal,
    timeoutMs: timeouts.readMs,
  })
  await response.body?.cancel()
  const url = response.headers.get('x-goog-upload-url')
  if (url === null || !URL.canParse(url)) throw new ProviderError('upload: the answer names no address', { kind: 'transient' })
  // The key goes to nobody but the configured address, whatever the answer says; the SDK does the same.
  const { pathname, search } = new URL(url)
  return `${new URL(baseUrl).origin}${pathname}${search}`
}

async function sendChunks(
  context: GeminiContext,
  url: string,
  file: FileHandle,
  size: number,
  signal: AbortSignal,
): Promise<unknown> {
  const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, size))
  for (let offset = 0; ;) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, size - offset), offset)
    const isLast = offset + bytesRead >= size
    if (bytesRead === 0 && !isLast) throw new ProviderError('upload: the spool file became shorter', { kind: 'transient' })
    const response = await context.api.send({
      path: '',
      url,
      method: 'POST',
      body: new Blob([chunk.subarray(0, bytesRead)]),
      headers: {
        'X-Goog-Upload-Command': isLast ? 'upload, finalize' : 'upload',
        'X-Goog-Upload-Offset': String(offset),
        'Content-Type': 'application/octet-stream',
      },
      signal,
      timeoutMs: context.timeouts.uploadMs,
    })
    const status = response.headers.get('x-goog-upload-status')
    if (isLast && status === 'final') return await response.json()
    await response.body?.cancel()
    if (isLast || status !== 'active') {
      throw new ProviderError(`upload: it is "${status ?? 'unknown'}" after ${offset + bytesRead} of ${size} bytes`, {
        kind: 'transient',
        code: 'upload_incomplete',
      })
    }
    offset += bytesRead
  }
}

/**
 * Tries all of them, then throws the first failure. A file that is gone is what was wanted. The files of answers have names that are too long to be deleted
 * (https://github.com/googleapis/python-genai/issues/1759): that is a refusal, and they go by themselves. Batches are not deleted: the list of them is
 * what a lost create is looked for in.
 */
export async function deleteFiles(
  { api, timeouts }: GeminiContext,
  fileIds: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  let failure: ProviderError | null = null
  for (const fileId of fileIds) {
    if (!fileId.startsWith('files/')) continue
    try {
      const response = await api.send({ path: filePath(fileId), method: 'DELETE', signal, timeoutMs: timeouts.readMs })
      await response.body?.cancel()
    } catch (error) {
      const providerError = toProviderError(error, `delete ${fileId}`)
      if (providerError.kind !== 'not_found' && !isTooLongName(fileId, providerError)) failure ??= providerError
    }
  }
  if (failure !== null) throw failure
}

const longestDeletableId = 40

function isTooLongName(fileId: string, { kind }: ProviderError): boolean {
  return kind === 'invalid' && fileId.length - 'files/'.length > longestDeletableId
}

/** `files/<id>`, whatever stands in the id. */
export function filePath(fileId: string): string {
  return `files/${encodeURIComponent(fileId.replace(/^files\//, ''))}`
}
