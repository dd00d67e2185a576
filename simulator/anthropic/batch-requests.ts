import type { IncomingMessage } from 'node:http'
import { BodyTooLarge } from '../exchange.ts'
import { createFileWriter } from '../file-writer.ts'
import { refusedLineDirective } from '../item-faults.ts'
import { isObject, type JsonObject } from '../json.ts'
import { MalformedBody, readArrayMember } from '../json-array-reader.ts'
import { invalidRequest, requestTooLarge } from './errors.ts'

export interface StoredRequests {
  readonly total: number
  /** Null if there are several. */
  readonly model: string | null
  readonly sampleCustomId: string
}

export interface RequestLimits {
  readonly mostRequests: number
  readonly mostBytes: number
}

const newline = Buffer.from('\n')
const customIdPattern = /^[a-zA-Z0-9_-]{1,64}$/

/**
 * Writes the requests of a new batch to a file as they come in, one a line; a body of 256 MB never lies in memory. The first thing that is wrong with an id, or with
 * the list, refuses all of it, by its place. What is wrong with `params` comes out later, request by request. Texts as observed:
 * https://github.com/anthropics/anthropic-sdk-python/issues/984 (too long); the others in repositories whose batches were refused.
 */
export async function storeRequests(request: IncomingMessage, path: string, limits: RequestLimits): Promise<StoredRequests> {
  const customIds = new Set<string>()
  const models = new Set<string>()
  const writer = await createFileWriter(path)
  let total = 0
  let sampleCustomId = ''
  try {
    const { found } = await readArrayMember(
      request,
      'requests',
      limits.mostBytes,
      (element) => {
        const place = `requests.${total}`
        total++
        if (total > limits.mostRequests) return
        const { customId, params } = readRequest(element, place)
        if (customIds.has(customId))
          throw invalidRequest(`requests: custom_id's must be unique within a batch. Duplicate custom_id found: ${customId}`)
        customIds.add(customId)
        if (sampleCustomId === '') sampleCustomId = customId
        if (models.size < 2 && typeof params['model'] === 'string') models.add(params['model'])
        const written = writer.write(onOneLine(element))
        return written === undefined ? writer.write(newline) : written.then(() => writer.write(newline))
      },
      (name) => {
        throw invalidRequest(`${name}: Extra inputs are not permitted`)
      },
    )
    if (!found) throw invalidRequest('requests: Field required')
    if (total === 0) throw invalidRequest('requests: List should have at least 1 item after validation, not 0')
    if (total > limits.mostRequests)
      throw invalidRequest(`requests: List should have at most ${limits.mostRequests} items after validation, not ${total}`)
  } catch (error) {
    if (error instanceof BodyTooLarge) throw requestTooLarge()
    throw error instanceof MalformedBody ? invalidRequest(`The request body is not valid JSON: ${error.message}`) : error
  } finally {
    await writer.close()
  }
  return { total, model: models.size === 1 ? ([...models][0] ?? null) : null, sampleCustomId }
}

function readRequest(element: Buffer, place: string): { customId: string; params: JsonObject } {
  const text = element.toString('utf8')
  let request: unknown
  try {
    request = JSON.parse(text)
  } catch (error) {
    throw new MalformedBody(`${place}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isObject(request)) throw invalidRequest(`${place}: Input should be an object`)
  const { custom_id: customId, params, ...others } = request
  if (customId === undefined) throw invalidRequest(`${place}.custom_id: Field required`)
  if (typeof customId !== 'string') throw invalidRequest(`${place}.custom_id: Input should be a valid string`)
  if (customId.length > 64) throw invalidRequest(`${place}.custom_id: String should have at most 64 characters`)
  if (customId === '') throw invalidRequest(`${place}.custom_id: String should have at least 1 character`)
  if (!customIdPattern.test(customId))
    throw invalidRequest(`${place}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`)
  if (params === undefined) throw invalidRequest(`${place}.params: Field required`)
  if (!isObject(params)) throw invalidRequest(`${place}.params: Input should be an object`)
  const other = Object.keys(others)[0]
  if (other !== undefined) throw invalidRequest(`${place}.${other}: Extra inputs are not permitted`)
  if (text.includes(refusedLineDirective)) throw invalidRequest(`${place}: This request was refused, as its prompt asked for.`)
  return { customId, params }
}

/** JSON has line ends only between its parts, where a space will do. */
function onOneLine(element: Buffer): Buffer {
  if (!element.includes(10) && !element.includes(13)) return element
  return element.map((byte) => (byte === 10 || byte === 13 ? 32 : byte)) as Buffer
}
