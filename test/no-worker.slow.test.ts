import { expect, test } from 'vitest'
import { isLaneServed } from '../db/workers.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { batchesOf, eventTypes, expectKept } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { afterwards, until } from './services.ts'
import { startWorkerProcess } from './worker-process.ts'

/** Variables of a worker that has no provider at all. */
const noProvider = { BATCHWRIGHT_SIMULATE: '' }

async function start(goneAfterMs?: number): Promise<JobStack> {
  const stack = await startJobStack({
    simulator: { duration_ms: 100 },
    worker: false,
    ...(goneAfterMs === undefined ? {} : { goneAfterMs }),
  })
  afterwards(() => stack.stop())
  return stack
}

test('a job whose provider no worker has pauses before it plans, and goes on with a worker and `resume`', async () => {
  const stack = await start()
  const without = await stack.startWorker(noProvider)
  const prompts = ['No worker: what is 1 + 1?']
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  const paused = await jobAt(stack, jobId, ['paused'], 30_000)
  expect(paused).toMatchObject({ pauseReason: 'provider_unconfigured', round: 0 })
  await without.stop()
  await stack.startWorker()
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 1 })
  await expectKept(stack, jobId, prompts)
}, 60_000)

test('a worker without the key never pauses a job that another worker can run', async () => {
  const stack = await start()
  await stack.startWorker(noProvider)
  const other = startWorkerProcess(stack)
  afterwards(async () => {
    other.child.kill('SIGKILL')
    await other.ended
  })
  await until('the other worker', () => isLaneServed(stack.db.database, { provider: 'openai', simulated: true }, 60_000))
  const jobs = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => createJob(stack, [{ prompt: `Two workers: what is ${n} + 1?` }])))
  for (const jobId of jobs) {
    expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 1 })
    expect(await eventTypes(stack, jobId)).not.toContain('paused')
  }
}, 60_000)

test('a running job whose provider loses its worker pauses, keeps what is at the provider, and goes on with `resume`', async () => {
  const stack = await start(3000)
  const control = simulatorControl(stack.simulator.url)
  await control.setOptions({ duration_ms: 60_000 })
  const worker = await stack.startWorker()
  const prompts = ['A lost worker: what is 2 + 2?']
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
  )
  await until('the batch to run', async () => (await batchesOf(stack, jobId))[0]?.status === 'in_progress')
  await worker.stop()
  const without = await stack.startWorker(noProvider)
  expect(await jobAt(stack, jobId, ['paused'], 30_000)).toMatchObject({ pauseReason: 'provider_unconfigured' })
  expect((await batchesOf(stack, jobId))[0]).toMatchObject({ status: 'in_progress' })

  await control.setOptions({ duration_ms: 0 })
  await without.stop()
  await stack.startWorker()
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('resume')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'completed', succeeded: 1 })
  expect((await control.books()).batches).toHaveLength(1)
  await expectKept(stack, jobId, prompts)
}, 60_000)

test('a paused job of which nothing was sent is cancelled without any worker for its provider', async () => {
  const stack = await start()
  await stack.startWorker(noProvider)
  const jobId = await createJob(stack, [{ prompt: 'Cancelled unsent: what is 1 + 1?' }])
  await jobAt(stack, jobId, ['paused'], 30_000)
  await stack.client.workflow.getHandle(`job-${jobId}`).signal('cancel')
  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'cancelled', cancelled: 1 })
}, 60_000)

test('a worker whose slots are all taken by uploads is busy, not gone', async () => {
  const released = Promise.withResolvers<void>()
  const stack = await startJobStack({
    simulator: { duration_ms: 100 },
    goneAfterMs: 15_000,
    reach: async (point) => {
      if (point === 'upload.before_record') await released.promise
    },
  })
  afterwards(() => stack.stop())
  // Large enough to be transfers, of which a worker does three at once.
  const prompts = Array.from({ length: 5 }, (_, index) => `Busy: what is ${index} + 1?`.padEnd(600_000))
  const jobId = await createJob(
    stack,
    prompts.map((prompt) => ({ prompt })),
    { limits: { max_batch_requests: 1 } },
  )
  // The fourth upload finds no slot, for longer than a worker may take.
  const isLookedFor = async () => {
    for (let batch = 1; batch <= prompts.length; batch++) {
      const history = await stack.client.workflow
        .getHandle(`job-${jobId}-batch-${batch}`)
        .fetchHistory()
        // Not started yet.
        .catch(() => null)
      const looked = (history?.events ?? []).filter(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'isServed',
      )
      if (looked.length >= 2) return true
    }
    return false
  }
  await until('a worker to be looked for twice', isLookedFor, 40_000)
  released.resolve()
  expect(await jobAt(stack, jobId, undefined, 40_000)).toMatchObject({ status: 'completed', succeeded: prompts.length })
  expect(await eventTypes(stack, jobId)).not.toContain('paused')
  await expectKept(stack, jobId, prompts)
}, 120_000)
