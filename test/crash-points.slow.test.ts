import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CrashPoint } from '../activities/index.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { batchesOf, expectKept, isOfJob, submissionsOf } from './job-checks.ts'
import { createJob, jobAt, startJobStack, type JobStack } from './job-stack.ts'
import { afterwards } from './services.ts'
import { startWorkerProcess } from './worker-process.ts'

let stack: JobStack
let directory: string
beforeAll(async () => {
  stack = await startJobStack({ simulator: { duration_ms: 100 }, worker: false })
  directory = await mkdtemp(join(tmpdir(), 'batchwright-crash-'))
})
afterAll(async () => {
  await stack.stop()
  await rm(directory, { recursive: true, force: true })
})

/** At each of these the worker dies as by a power cut; the next worker must end the job as if nothing had happened. */
const points: ReadonlyArray<{ point: CrashPoint; submissions: string[]; created: number }> = [
  { point: 'upload.before_record', submissions: ['created'], created: 1 },
  { point: 'submit.after_intent', submissions: ['not_created', 'created'], created: 1 },
  { point: 'submit.before_post', submissions: ['absent', 'created'], created: 1 },
  { point: 'submit.after_accept', submissions: ['created'], created: 1 },
  { point: 'fetch.mid_file', submissions: ['created'], created: 1 },
  { point: 'fetch.before_commit', submissions: ['created'], created: 1 },
  { point: 'finalize.before_commit', submissions: ['created'], created: 1 },
]

for (const { point, submissions, created } of points) {
  test(`a worker killed at ${point}: no item lost, no batch created twice`, async () => {
    const prompts = Array.from({ length: 1500 }, (_, index) => `Killed at ${point}: what is ${index} + 1?`)
    const marker = join(directory, point)
    const doomed = startWorkerProcess(stack, { BATCHWRIGHT_CRASH_AT: point, BATCHWRIGHT_CRASH_MARKER: marker })
    const jobId = await createJob(
      stack,
      prompts.map((prompt) => ({ prompt })),
    )
    expect(await doomed.ended).toBe('SIGKILL')
    const next = startWorkerProcess(stack)
    afterwards(async () => {
      next.child.kill('SIGTERM')
      await next.ended
    })
    expect(await jobAt(stack, jobId, undefined, 90_000)).toMatchObject({ status: 'completed', succeeded: 1500, round: 1 })
    await expectKept(stack, jobId, prompts)
    expect((await submissionsOf(stack, jobId)).map(({ state }) => state)).toEqual(submissions)
    const books = await simulatorControl(stack.simulator.url).books()
    expect(books.batches.filter((batch) => isOfJob(batch, jobId))).toHaveLength(created)
    expect((await batchesOf(stack, jobId)).map(({ answered }) => answered)).toEqual([1500])
  })
}
