import { Client, Connection } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { answerOf, createTestApi, type TestApi } from '../test/api.ts'
import { insertJob, judged, type JobValues } from '../test/job-rows.ts'
import { claimNamespace } from '../test/services.ts'
import { jobWorkflowId } from '../core/job-id.ts'
import { batches } from '../db/schema.ts'
import { loadBatch } from '../db/batches.ts'
import { mergeResults } from '../db/outcomes.ts'

let api: TestApi
let connection: Connection
let client: Client
beforeAll(async () => {
  const namespace = await claimNamespace()
  api = await createTestApi({ namespace })
  connection = await Connection.connect({ address: inject('temporalAddress') })
  client = new Client({ connection, namespace })
})
afterAll(async () => {
  await api.close()
  await connection.close()
})

/** The signals that a job's workflow has got: names and arguments. */
async function signalsOf(jobId: string) {
  const { events } = await client.workflow.getHandle(jobWorkflowId(jobId)).fetchHistory()
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
    signal == null
      ? []
      : [
          {
            name: signal.signalName,
            input: (signal.input?.payloads ?? []).map(({ data }) => JSON.parse(Buffer.from(data ?? []).toString()) as unknown),
          },
        ],
  )
}

async function insertBatch(jobId: string): Promise<void> {
  await api.test.database.drizzle.insert(batches).values({
    jobId,
    batch: 1,
    round: 1,
    shard: 0,
    provider: 'openai',
    simulated: true,
    model: 'm',
    endpoint: 'e',
    listed: false,
    seqFrom: 1,
    seqTo: 2,
    items: 2,
    bytes: 1,
    tokens: 1,
    status: 'in_progress',
    providerBatchId: `b-${jobId}`,
  })
}

describe('commands that the job can take', () => {
  test('a new job has its workflow at once, named and found by its summary', async () => {
    const { id } = await answerOf(api.post('/v1/jobs', { name: 'visible', model: 'gpt-5-mini', items: [{ prompt: 'x' }] }))
    const description = await client.workflow.getHandle(jobWorkflowId(id)).describe()
    expect(description).toMatchObject({ type: 'batchJob', taskQueue: 'batchwright', status: { name: 'RUNNING' } })
    expect(await description.staticSummary()).toBe('visible')
  })

  test.each(['cancel', 'pause'])('%s reaches a queued job that has no workflow yet', async (command) => {
    const id = await insertJob(api.test.database, 1, { status: 'queued' })
    const response = await api.post(`/v1/jobs/${id}/${command}`)
    expect(response.status).toBe(202)
    expect(await answerOf(response)).toMatchObject({ id, status: 'queued' })
    expect(await signalsOf(id)).toEqual([{ name: command, input: [] }])
  })

  test('resume and poll reach the workflow that runs', async () => {
    const id = await insertJob(api.test.database, 2, {
      status: 'paused',
      pauseReason: 'auth',
      pauseDetail: 'the key was refused',
    })
    await insertBatch(id)
    for (const command of ['resume', 'poll']) expect((await api.post(`/v1/jobs/${id}/${command}`)).status).toBe(202)
    expect(await signalsOf(id)).toEqual([
      { name: 'resume', input: [] },
      { name: 'poll', input: [] },
    ])
  })

  test('retry starts the workflow of a finished job again, with the classes that were asked for', async () => {
    const id = await insertJob(api.test.database, 2, { status: 'completed' })
    await insertBatch(id)
    const error = JSON.stringify({
      class: 'refusal',
      code: 'refusal',
      message: 'no',
      httpStatus: null,
      requestId: null,
      parameter: null,
    })
    await mergeResults(api.test.database, await loadBatch(api.test.database.drizzle, id, 1), [
      judged(1),
      judged(2, { status: 'failed', errorClass: 'refusal', error, answer: null }),
    ])
    expect(await answerOf(api.post(`/v1/jobs/${id}/retry`, { classes: ['content_filter'] }))).toMatchObject({
      status: 409,
      code: 'nothing_to_retry',
    })
    expect((await api.post(`/v1/jobs/${id}/retry`, { classes: ['refusal', 'truncated'] })).status).toBe(202)
    expect((await api.post(`/v1/jobs/${id}/retry`)).status).toBe(202)
    expect(await signalsOf(id)).toEqual([
      { name: 'retry', input: [{ classes: ['refusal', 'truncated'] }] },
      { name: 'retry', input: [] },
    ])
  })

  test('retry takes nothing but classes that exist', async () => {
    const id = await insertJob(api.test.database, 1, { status: 'completed', failed: 1 })
    expect(await answerOf(api.post(`/v1/jobs/${id}/retry`, { classes: ['refusals'] }))).toMatchObject({
      code: 'invalid_request',
      errors: [{ field: 'classes[0]' }],
    })
    expect(await answerOf(api.post(`/v1/jobs/${id}/retry`, { clases: [] }))).toMatchObject({
      errors: [{ field: 'clases', reason: expect.stringContaining('"classes"') }],
    })
  })
})

describe('commands in the wrong state are refused with a stable code', () => {
  const cases: Array<[command: string, job: JobValues, code: string]> = [
    ['cancel', { status: 'cancelled' }, 'job_already_cancelled'],
    ['cancel', { status: 'cancelling' }, 'job_already_cancelling'],
    ['cancel', { status: 'paused', pauseReason: 'auth', cancelRequestedAt: new Date() }, 'job_already_cancelling'],
    ['cancel', { status: 'completed' }, 'job_finished'],
    ['cancel', { status: 'finalizing' }, 'job_finalizing'],
    ['cancel', { status: 'validating' }, 'upload_in_progress'],
    ['pause', { status: 'paused', pauseReason: 'user' }, 'job_already_paused'],
    ['pause', { status: 'cancelling' }, 'job_already_cancelling'],
    ['pause', { status: 'failed' }, 'job_finished'],
    ['pause', { status: 'finalizing' }, 'job_finalizing'],
    ['resume', { status: 'in_progress' }, 'job_not_paused'],
    ['resume', { status: 'expired' }, 'job_finished'],
    ['poll', { status: 'completed' }, 'job_finished'],
    ['poll', { status: 'in_progress' }, 'nothing_to_poll'],
    ['retry', { status: 'completed', succeeded: 1 }, 'nothing_to_retry'],
    ['retry', { status: 'cancelling', failed: 1 }, 'job_already_cancelling'],
  ]
  test.each(cases)('%s %o', async (command, job, code) => {
    const id = await insertJob(api.test.database, 1, job)
    const response = await api.post(`/v1/jobs/${id}/${command}`)
    expect(await answerOf(response)).toMatchObject({ status: 409, code, job_id: id, job_status: job.status })
  })

  test('poll while the only batch is still being sent', async () => {
    const id = await insertJob(api.test.database, 2, { status: 'in_progress' })
    await insertBatch(id)
    await api.test.database.sql`update batches set status = 'submitting', provider_batch_id = null where job_id = ${id}`
    expect(await answerOf(api.post(`/v1/jobs/${id}/poll`))).toMatchObject({ status: 409, code: 'nothing_to_poll' })
  })

  test('delete while it is being cancelled', async () => {
    const id = await insertJob(api.test.database, 1, { status: 'cancelling' })
    expect(await answerOf(api.request(`/v1/jobs/${id}`, { method: 'DELETE' }))).toMatchObject({
      status: 409,
      code: 'job_not_finished',
      detail: `job ${id} is being cancelled: delete it when it has ended`,
    })
  })

  test('an unknown job', async () => {
    expect((await api.post('/v1/jobs/nope/cancel')).status).toBe(404)
  })
})

describe('without Temporal', () => {
  test('commands are answered with 503, and a new job is stored all the same', async () => {
    const alone = await createTestApi({ temporalAddress: '127.0.0.1:1' })
    try {
      const id = await insertJob(alone.test.database, 1)
      expect(await answerOf(alone.post(`/v1/jobs/${id}/cancel`))).toMatchObject({ status: 503, code: 'temporal_unavailable' })
      const created = await alone.post('/v1/jobs', { model: 'gpt-5-mini', items: [{ prompt: 'x' }] })
      expect(created.status).toBe(201)
      expect(await answerOf(created)).toMatchObject({ status: 'queued' })
      expect(await answerOf(alone.request('/readyz'))).toMatchObject({
        temporal: { ready: false, detail: expect.any(String) },
        worker: { ready: false },
      })
    } finally {
      await alone.close()
    }
  })
})
