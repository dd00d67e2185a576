import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { chatLine, simulatedProjects } from './testing/simulated-project.ts'
import { batchRequest, simulatedWorkspaces } from './testing/simulated-workspace.ts'

describe('the limits of a batch, unless told otherwise', () => {
  it('are 50,000 requests and 200 MB at OpenAI', async () => {
    await using project = await simulatedProjects(OpenAI)({ duration_ms: '1h' })
    const lines = Array.from({ length: 50_001 }, (_value, index) => chatLine(`item-${index}`, 'Hi'))
    const wait = async (fileId: string): Promise<unknown> =>
      project.wait((await project.create(fileId)).id, ({ status }) => status !== 'validating')
    expect(await wait(await project.upload(lines.slice(1)))).toMatchObject({
      status: 'in_progress',
      request_counts: { total: 50_000 },
    })
    expect(await wait(await project.upload(lines))).toMatchObject({
      status: 'failed',
      errors: { data: [{ code: 'too_many_tasks' }] },
    })
    const tooLong = chatLine('long', 'x'.repeat(200 << 20))
    expect(await wait(await project.upload([tooLong]))).toMatchObject({
      status: 'failed',
      errors: { data: [{ code: 'file_too_large' }] },
    })
  })

  it('are 100,000 requests and 256 MB at Anthropic', async () => {
    await using workspace = await simulatedWorkspaces(Anthropic)({ duration_ms: '1h' })
    const requests = Array.from({ length: 100_001 }, (_value, index) => batchRequest(`item-${index}`, 'Hi'))
    await expect(workspace.create(requests)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('at most 100000 items'),
    })
    expect((await workspace.create(requests.slice(1))).request_counts.processing).toBe(100_000)
    const post = workspace.client.post('/v1/messages/batches', { body: tooManyBytes() })
    await expect(post).rejects.toMatchObject({ status: 413 })
  })
})

/** 257 MB, sent as it is made. */
async function* tooManyBytes(): AsyncGenerator<Buffer> {
  yield Buffer.from('{"requests":[')
  for (let megabyte = 0; megabyte < 257; megabyte++) {
    const request = JSON.stringify(batchRequest(`item-${megabyte}`, 'x'.repeat(1 << 20)))
    yield Buffer.from(megabyte === 0 ? request : `,${request}`)
  }
  yield Buffer.from(']}')
}
