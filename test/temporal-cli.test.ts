import { expect, inject, test } from 'vitest'
import { findTemporalCli } from '../local/temporal-cli.ts'
import { runToEnd } from '../local/run-to-end.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { batchesOf, expectKept } from './job-checks.ts'
import { createJob, jobAt, startJobStack } from './job-stack.ts'
import { afterwards, until } from './services.ts'

test("Temporal's own command line cancels a running job, and finished answers are kept", async () => {
  // The upload of one of two batches is held until the other, whichever is first, has ended; then it is long.
  const stack = await startJobStack({ simulator: { duration_ms: 50 } })
  afterwards(() => stack.stop())
  const simulator = simulatorControl(stack.simulator.url)
  await simulator.addFault('files.create:hold:skip=1')
  const prompts = [1, 2, 3, 4].map((n) => `Signalled from outside: what is ${n} + 1?`)
  const lines = prompts.map((prompt) => ({ prompt }))
  const jobId = await createJob(stack, lines, { limits: { max_batch_requests: 2 } })
  const statuses = async () => (await batchesOf(stack, jobId)).map(({ status }) => status)
  await until('one batch to end', async () => (await statuses()).includes('ended'))
  await simulator.setOptions({ duration_ms: '1h' })
  await simulator.clearFaults()
  await simulator.release()
  await until('the other to run', async () => (await statuses()).includes('in_progress'))

  const { path } = await findTemporalCli()
  const signal = ['workflow', 'signal', '--address', inject('temporalAddress'), '--namespace', stack.namespace]
  const ended = await runToEnd(path, [...signal, '--workflow-id', `job-${jobId}`, '--name', 'cancel'], { timeoutMs: 20_000 })
  expect(ended.code, ended.stderr).toBe(0)

  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'cancelled', succeeded: 2, cancelled: 2 })
  await expectKept(stack, jobId, prompts)
})
