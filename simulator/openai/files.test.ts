import OpenAI, { toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { chatLines, simulatedProjects } from '../testing/simulated-project.ts'

const simulatedProject = simulatedProjects(OpenAI)

describe('files', () => {
  it('come back byte for byte, with their name, size and expiry', async () => {
    await using project = await simulatedProject()
    const content = Buffer.from('{"text":"ümläut\\r\\n--boundary"}\n\r\n--\r\nlast')
    const file = await project.client.files.create({
      file: await toFile(content, 'müller.jsonl'),
      purpose: 'batch',
      expires_after: { anchor: 'created_at', seconds: 3600 },
    })
    expect(file).toMatchObject({
      object: 'file',
      bytes: content.length,
      filename: 'müller.jsonl',
      purpose: 'batch',
      status: 'processed',
    })
    expect(file.expires_at).toBe(file.created_at + 3600)
    const response = await project.client.files.content(file.id)
    expect(response.headers.get('content-length')).toBe(String(content.length))
    expect(Buffer.from(await response.arrayBuffer())).toEqual(content)
    expect(await project.client.files.retrieve(file.id)).toEqual(file)
  })

  it('of several megabytes keep every byte across the chunks of the upload', async () => {
    await using project = await simulatedProject()
    const content = Buffer.alloc(5_000_000, '\r\n--------formdata-')
    const file = await project.client.files.create({ file: await toFile(content, 'big.jsonl'), purpose: 'batch' })
    expect(Buffer.from(await (await project.client.files.content(file.id)).arrayBuffer()).equals(content)).toBe(true)
  })

  it('expire after 30 days by default when they are for a batch', async () => {
    await using project = await simulatedProject()
    const file = await project.client.files.retrieve(await project.upload(['{}']))
    expect(file.expires_at).toBe(file.created_at + 30 * 86_400)
  })

  it('of results live for 30 days, or as long as the create asked for, then answer 404 while the batch still names them', async () => {
    await using project = await simulatedProject()
    const { client } = project
    const input_file_id = await project.upload(chatLines(2))
    const standard = await project.wait((await project.create(input_file_id)).id)
    const results = await client.files.retrieve(standard.output_file_id ?? '')
    expect(results.expires_at).toBe(results.created_at + 30 * 86_400)
    const shorter = await client.batches.create({
      input_file_id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      output_expires_after: { anchor: 'created_at', seconds: 3600 },
    })
    const soonGone = await client.files.retrieve((await project.wait(shorter.id)).output_file_id ?? '')
    expect(soonGone.expires_at).toBe(soonGone.created_at + 3600)
    await project.control.setOptions({ results_lifetime_ms: '2h' })
    expect((await client.files.retrieve(results.id)).expires_at).toBe(results.created_at + 7200)
    expect((await client.files.retrieve(soonGone.id)).expires_at).toBe(soonGone.created_at + 3600)
    await project.control.setOptions({ results_lifetime_ms: 0 })
    await expect(project.results(results.id)).rejects.toMatchObject({ status: 404 })
    await expect(client.files.retrieve(results.id)).rejects.toMatchObject({ status: 404 })
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([input_file_id])
    expect((await client.batches.retrieve(standard.id)).output_file_id).toBe(results.id)
  })

  it('are listed newest first, by purpose, and gone once deleted', async () => {
    await using project = await simulatedProject()
    const [first, second] = [await project.upload(['1']), await project.upload(['2'])]
    const ids = async (): Promise<string[]> => (await project.client.files.list({ purpose: 'batch' })).data.map(({ id }) => id)
    expect(await ids()).toEqual([second, first])
    expect(await project.client.files.delete(first)).toEqual({ id: first, object: 'file', deleted: true })
    expect(await ids()).toEqual([second])
    await expect(project.client.files.content(first)).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('No such File object'),
    })
  })

  it('of another project are not found', async () => {
    await using project = await simulatedProject()
    const id = await project.upload(['{}'])
    const other = project.clientOf('sk-other')
    await expect(other.files.retrieve(id)).rejects.toMatchObject({ status: 404 })
    expect((await other.files.list()).data).toEqual([])
    const batch = await other.batches.create({ input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' })
    await expect(project.client.batches.retrieve(batch.id)).rejects.toMatchObject({ status: 404 })
    await expect
      .poll(async () => (await other.batches.retrieve(batch.id)).errors?.data?.[0]?.message)
      .toBe(`Cannot find file ${id}.`)
  })

  it('for a batch must be named .jsonl', async () => {
    await using project = await simulatedProject()
    await expect(project.upload(chatLines(1), 'input.txt')).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('Invalid file format for Batch API. Must be .jsonl'),
    })
  })

  it('that end in the middle of the upload are not kept', async () => {
    await using project = await simulatedProject()
    const body =
      '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{"a"'
    const response = await fetch(`${project.simulator.baseUrls.openai}/files`, {
      method: 'POST',
      body,
      headers: { authorization: 'Bearer sk-test', 'content-type': 'multipart/form-data; boundary=b' },
    })
    expect(response.status).toBe(400)
    expect((await project.client.files.list()).data).toEqual([])
  })
})

describe('keys', () => {
  it('that begin with "bad", or are missing, get the 401 of the API', async () => {
    await using project = await simulatedProject()
    await expect(project.clientOf('bad-key-12345').files.list()).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
      message: expect.stringMatching(/Incorrect API key provided: bad\*+2345/),
    })
    expect((await fetch(`${project.simulator.baseUrls.openai}/files`)).status).toBe(401)
  })
})
