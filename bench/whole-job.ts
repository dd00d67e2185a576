import { Batchwright, type Job } from '../client/batchwright.ts'
import type { Stack } from '../local/stack.ts'
import { withStack } from './bench-stack.ts'
import type { Benchmark } from './benchmark.ts'
import { held, information, median, medianOf, megabytes, seconds } from './measurement.ts'
import { memoryMeasurements } from './memory-measurements.ts'
import { peakMemoryOf } from './peak-memory.ts'
import { prepareBareScript, runBareScript, type BareRun } from './run-bare-script.ts'

/** Times the bare script's wall time. */
const mostTimes = 2.5

/**
 * A whole job, from the first byte of its input to `completed` with every result stored and indexed, against a bare script on the same simulator:
 * A B A B. The first runs are warm on both sides, because a short one of each goes before.
 */
export const wholeJob: Benchmark = async ({ inputPath, items, runs, directory, signal, say }) => {
  const files = await prepareBareScript(directory, inputPath, signal)
  return await withStack(signal, async (stack) => {
    const simulatorUrl = `${stack.simulatorUrl}/openai/v1`
    await runJob(
      stack,
      Array.from({ length: 500 }, (_, index) => ({ prompt: `Warm up, number ${index}.` })),
    )
    const oursMs: number[] = []
    const bare: BareRun[] = []
    let phases = ''
    for (let run = 1; run <= runs; run++) {
      const bareRun = await runBareScript(directory, simulatorUrl, files, signal)
      requireAnswers('the bare script', bareRun.answers, items)
      bare.push(bareRun)
      const { job, elapsedMs } = await runJob(stack, inputPath)
      requireAnswers('the job', job.counts.succeeded, items)
      oursMs.push(elapsedMs)
      phases = await phasesOf(stack, job)
      say(`whole-job: run ${run} of ${runs}: ${seconds(elapsedMs)}, bare script ${seconds(bareRun.totalMs)}`)
      say(`  job: ${phases}; bare: upload ${seconds(bareRun.uploadMs)}, waiting ${seconds(bareRun.waitMs)}`)
    }
    const times = median(oursMs) / median(bare.map(({ totalMs }) => totalMs))
    return [
      information('whole job: Batchwright', medianOf(oursMs)),
      information('whole job: bare SDK script', medianOf(bare.map(({ totalMs }) => totalMs))),
      held("whole job: times the script's wall time", `${times.toFixed(2)}×`, `≤ ${mostTimes}×`, times <= mostTimes),
      ...memoryMeasurements('whole job', peakMemoryOf(stack), ['api', 'worker']),
      information('whole job: peak memory, bare script', megabytes(Math.max(...bare.map(({ peakBytes }) => peakBytes ?? 0)))),
    ]
  })
}

type Items = Parameters<Batchwright['jobs']['create']>[0]['items']

async function runJob(stack: Stack, items: Items): Promise<{ job: Job; elapsedMs: number }> {
  const client = new Batchwright({ url: stack.apiUrl, apiKey: '' })
  const startedAt = performance.now()
  const { id } = await client.jobs.create({ name: 'bench', provider: 'openai', model: 'gpt-5-mini', items })
  const job = await client.jobs.wait(id)
  const elapsedMs = performance.now() - startedAt
  if (job.status !== 'completed') throw new Error(`the job is ${job.status} instead of completed`)
  return { job, elapsedMs }
}

/** Where the time went, by the job's own history. */
async function phasesOf(stack: Stack, { id }: Job): Promise<string> {
  const client = new Batchwright({ url: stack.apiUrl, apiKey: '' })
  const phases: string[] = []
  let startedAt: number | null = null
  for await (const { type, created_at: createdAt } of client.jobs.events(id)) {
    if (type === 'batch_progress') continue
    startedAt ??= Date.parse(createdAt)
    phases.push(`${type} +${((Date.parse(createdAt) - startedAt) / 1000).toFixed(1)}`)
  }
  return phases.join(', ')
}

function requireAnswers(who: string, answers: number, items: number): void {
  if (answers !== items) throw new Error(`${who} ended with ${answers} answers for ${items} items`)
}
