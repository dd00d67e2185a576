import { expect, inject, test } from 'vitest'
import { findTemporalCli } from '../local/temporal-cli.ts'
import { runToEnd } from '../local/run-to-end.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { batchesOf, expectKept } from './job-checks.ts'
import { createJob, jobAt, startJobStack } from './job-stack.ts'
import { afterwards, until } from './services.ts'

test("Temporal's own command line cancels a running job, and finished answers are kept", async () => {
  // One batch at a time, and the upload of the second is held, so that the first ends and the second is long.
  const stack = await startJobStack({
    simulator: { duration_ms: 50 },
    yaml: 'providers: { openai: { max_in_flight_batches: 1 } }\n',
  })
  afterwards(() => stack.stop())
  const simulator = simulatorControl(stack.simulator.url)
  await simulator.addFault('files.create:hold:skip=1')
  const prompts = [1, 2, 3, 4].map((n) => `Signalled from outside: what is ${n} + 1?`)
  const lines = prompts.map((prompt) => ({ prompt }))
  const jobId = await createJob(stack, lines, { limits: { max_batch_requests: 2 } })
  await until('the first batch to end', async () => (await batchesOf(stack, jobId))[0]?.status === 'ended')
  await simulator.setOptions({ duration_ms: '1h' })
  await simulator.clearFaults()
  await simulator.release()
  await until('the second to run', async () => (await batchesOf(stack, jobId))[1]?.status === 'in_progress')

  const { path } = await findTemporalCli()
  const signal = ['workflow', 'signal', '--address', inject('temporalAddress'), '--namespace', stack.namespace]
  const ended = await runToEnd(path, [...signal, '--workflow-id', `job-${jobId}`, '--name', 'cancel'], { timeoutMs: 20_000 })
  expect(ended.code, ended.stderr).toBe(0)

  expect(await jobAt(stack, jobId)).toMatchObject({ status: 'cancelled', succeeded: 2, cancelled: 2 })
  await expectKept(stack, jobId, prompts)
})
