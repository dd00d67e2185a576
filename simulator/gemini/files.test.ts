import { GoogleGenAI } from '@google/genai'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { requestLines, simulatedGeminis, type SimulatedGemini } from '../testing/simulated-gemini.ts'

const simulatedGemini = simulatedGeminis(GoogleGenAI)

const quarterMegabyte = 262_144

async function start(gemini: SimulatedGemini, bytes: number | null, file: object = {}): Promise<string> {
  const headers = {
    'content-type': 'application/json',
    'x-goog-upload-protocol': 'resumable',
    'x-goog-upload-command': 'start',
    'x-goog-upload-header-content-type': 'text/plain',
    ...(bytes === null ? {} : { 'x-goog-upload-header-content-length': String(bytes) }),
  }
  const response = await gemini.call('/upload/v1beta/files', { method: 'POST', headers, body: JSON.stringify({ file }) })
  if (!response.ok) throw new Error(await response.text())
  return response.headers.get('x-goog-upload-url') ?? ''
}

/** Sends a part as the guide does it: without a key, to the address alone. */
function send(url: string, command: string, offset = 0, body: Buffer | string = ''): Promise<Response> {
  const headers = { 'x-goog-upload-command': command, 'x-goog-upload-offset': String(offset) }
  return fetch(url, { method: 'POST', headers, ...(command === 'query' ? {} : { body }) })
}

describe('a file', () => {
  it('is uploaded by the SDK in several chunks, and described', async () => {
    await using gemini = await simulatedGemini()
    const content = randomBytes(9 * 1024 * 1024)
    const file = await gemini.client.files.upload({
      file: new Blob([content]),
      config: { mimeType: 'application/jsonl', displayName: 'big.jsonl', name: 'my-file' },
    })
    expect(file).toMatchObject({
      name: 'files/my-file',
      displayName: 'big.jsonl',
      mimeType: 'application/jsonl',
      sizeBytes: String(content.length),
      sha256Hash: createHash('sha256').update(content).digest('base64'),
      state: 'ACTIVE',
      source: 'UPLOADED',
    })
    expect(await gemini.client.files.get({ name: 'files/my-file' })).toEqual(file)
    const { create_calls: calls, calls: counts } = await gemini.control.books()
    expect(counts).toMatchObject({ 'gemini/files.start': 1, 'gemini/files.upload': 1, 'gemini/files.create': 1 })
    expect(calls).toMatchObject([{ route: 'files.create', object_id: 'files/my-file', applied: true, answered: true }])
  })

  it('is uploaded from a path, too', async () => {
    await using gemini = await simulatedGemini()
    const directory = await mkdtemp(join(tmpdir(), 'simulator-test-'))
    const path = join(directory, 'in.jsonl')
    await writeFile(path, requestLines(3).join('\n'))
    const file = await gemini.client.files.upload({ file: path, config: { mimeType: 'application/jsonl' } })
    expect(file.sizeBytes).toBe(String((await readFile(path)).length))
    await rm(directory, { recursive: true })
  })

  it('is listed newest first, page by page, by its own key only, until it is deleted', async () => {
    await using gemini = await simulatedGemini()
    const names: (string | undefined)[] = []
    for (let number = 0; number < 5; number++) names.unshift((await gemini.upload([`{}${number}`])).name)
    const listed: (string | undefined)[] = []
    for await (const file of await gemini.client.files.list({ config: { pageSize: 2 } })) listed.push(file.name)
    expect(listed).toEqual(names)
    const other = gemini.clientOf('sk-other').files
    expect((await other.list()).page).toEqual([])
    await expect(other.get({ name: names[0] ?? '' })).rejects.toMatchObject({ status: 403 })
    await gemini.client.files.delete({ name: names[0] ?? '' })
    await expect(gemini.client.files.get({ name: names[0] ?? '' })).rejects.toThrow('or it may not exist')
    await expect(gemini.client.files.delete({ name: names[0] ?? '' })).rejects.toMatchObject({ status: 403 })
    expect((await gemini.client.files.list()).page).toHaveLength(4)
  })

  it('is gone after 48 hours', async () => {
    await using gemini = await simulatedGemini()
    const { name = '', createTime = '', expirationTime = '' } = await gemini.upload(['{}'])
    expect(Date.parse(expirationTime) - Date.parse(createTime)).toBe(48 * 3_600_000)
    await gemini.control.setOptions({ file_lifetime_ms: 0 })
    await expect(gemini.client.files.get({ name })).rejects.toMatchObject({ status: 403 })
  })

  it('can be PROCESSING for a while, and is of no use then', async () => {
    await using gemini = await simulatedGemini({ quirks: { file_processing_ms: '10m' } })
    const file = await gemini.upload(requestLines(1))
    expect(file.state).toBe('PROCESSING')
    const created = gemini.client.batches.create({ model: 'gemini-2.5-flash', src: file.name ?? '' })
    await expect(created).rejects.toThrow('not in an ACTIVE state')
    await gemini.control.setOptions({ quirks: { file_processing_ms: 0 } })
    expect((await gemini.client.files.get({ name: file.name ?? '' })).state).toBe('ACTIVE')
  })

  it('of results is downloaded by the SDK as by the address in the guide', async () => {
    await using gemini = await simulatedGemini()
    const operation = await gemini.run(requestLines(5))
    const directory = await mkdtemp(join(tmpdir(), 'simulator-test-'))
    const downloadPath = join(directory, 'out.jsonl')
    await gemini.client.files.download({ file: operation.response?.responsesFile ?? '', downloadPath })
    expect(await readFile(downloadPath)).toEqual(await gemini.rawResults(operation))
    await rm(directory, { recursive: true })
  })

  it('that one uploaded oneself is not downloaded', async () => {
    await using gemini = await simulatedGemini()
    const { name } = await gemini.upload(['{}'])
    expect((await gemini.call(`/download/v1beta/${name}:download?alt=media`)).status).toBe(400)
  })
})

describe('a resumable upload', () => {
  it('tells how much has come, and goes on from there', async () => {
    await using gemini = await simulatedGemini()
    const content = randomBytes(quarterMegabyte + 10)
    const url = await start(gemini, content.length)
    const received = async (): Promise<(string | null)[]> => {
      const { headers } = await send(url, 'query')
      return [headers.get('x-goog-upload-status'), headers.get('x-goog-upload-size-received')]
    }
    expect(await received()).toEqual(['active', '0'])
    const first = await send(url, 'upload', 0, content.subarray(0, quarterMegabyte))
    expect(first.headers.get('x-goog-upload-status')).toBe('active')
    expect(await received()).toEqual(['active', String(quarterMegabyte)])
    const last = await send(url, 'upload, finalize', quarterMegabyte, content.subarray(quarterMegabyte))
    expect(last.headers.get('x-goog-upload-status')).toBe('final')
    const { file } = (await last.json()) as { file: { name: string; sizeBytes: string } }
    expect(file.sizeBytes).toBe(String(content.length))
    expect(await received()).toEqual(['final', String(content.length)])
    // Whoever missed the answer gets it again, and no second file.
    expect(await (await send(url, 'upload, finalize', 0, content)).json()).toEqual({ file })
    expect((await gemini.client.files.list()).page).toHaveLength(1)
  })

  it.each([
    ['a wrong offset', 'upload', 5, quarterMegabyte, 'Invalid upload offset: 5, but 0 bytes have been received.'],
    ['a chunk of an odd size', 'upload', 0, 100, 'must be a multiple of 262144 bytes'],
    ['more than was announced', 'upload, finalize', 0, 3 * quarterMegabyte, 'more than the 524288 bytes'],
    ['less than was announced', 'upload, finalize', 0, 10, 'has 10 bytes, but 524288 were announced'],
  ])('refuses %s', async (_name, command, offset, bytes, message) => {
    await using gemini = await simulatedGemini()
    const url = await start(gemini, 2 * quarterMegabyte)
    const response = await send(url, command, offset, Buffer.alloc(bytes))
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(message)
    expect((await gemini.client.files.list()).page).toEqual([])
  })

  it('keeps what arrived of a chunk that broke off', async () => {
    await using gemini = await simulatedGemini()
    const url = await start(gemini, null)
    const upload = new AbortController()
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.alloc(quarterMegabyte + 1000)),
    })
    const headers = { 'x-goog-upload-command': 'upload', 'x-goog-upload-offset': '0' }
    const sent = fetch(url, { method: 'POST', headers, body, duplex: 'half', signal: upload.signal })
    const received = async (): Promise<string | null> => (await send(url, 'query')).headers.get('x-goog-upload-size-received')
    await expect.poll(received).toBe(String(quarterMegabyte + 1000))
    upload.abort()
    await expect(sent).rejects.toThrow('aborted')
    await expect.poll(received).toBe(String(quarterMegabyte))
  })

  it('can be cancelled, and then is not there', async () => {
    await using gemini = await simulatedGemini()
    const url = await start(gemini, 10)
    expect((await send(url, 'cancel')).headers.get('x-goog-upload-status')).toBe('cancelled')
    expect((await send(url, 'query')).status).toBe(404)
  })

  it.each([
    [{ name: 'files/No_Capitals' }, 'may only contain lowercase alphanumeric characters or dashes'],
    [{ name: `files/${'x'.repeat(41)}` }, 'cannot be more than 40 characters'],
    [{ name: 'files/taken' }, 'already exists'],
  ])('refuses the name of %o', async (file, message) => {
    await using gemini = await simulatedGemini()
    await start(gemini, 1, { name: 'files/taken' })
    await expect(start(gemini, 1, file)).rejects.toThrow(message)
  })

  it('refuses more than 2 GB', async () => {
    await using gemini = await simulatedGemini()
    await expect(start(gemini, 2 ** 31 + 1)).rejects.toThrow('File size exceeds the limit: 2147483648 bytes')
    expect(await start(gemini, 2 ** 31)).toContain('http')
  })

  it('refuses a file that is too big, announced or not', async () => {
    await using gemini = await simulatedGemini({ max_batch_bytes: 1000 })
    await expect(start(gemini, 1001)).rejects.toThrow('File size exceeds the limit: 1000 bytes')
    const url = await start(gemini, null)
    expect((await send(url, 'upload, finalize', 0, Buffer.alloc(1001))).status).toBe(400)
  })
})
