import { Batchwright, type Job } from '../client/batchwright.ts'
import type { Stack } from '../local/stack.ts'
import { withStack } from './bench-stack.ts'
import type { Benchmark } from './benchmark.ts'
import { held, information, median, medianOf, megabytes, seconds } from './measurement.ts'
import { memoryMeasurements } from './memory-measurements.ts'
import { peakMemoryOf } from './peak-memory.ts'
import { runBareScript, type BareRun } from './run-bare-script.ts'

/** Times the bare script's wall time. */
const mostTimes = 2.5

/**
 * A whole job, from its input file to `completed` with every result stored and indexed, against a bare script that goes from the same file to a file of
 * results on the same simulator: A B A B, after a short job to warm up.
 */
export const wholeJob: Benchmark = async ({ inputPath, items, runs, directory, signal, say }) =>
  await withStack(signal, async (stack) => {
    await runJob(
      stack,
      Array.from({ length: 500 }, (_, index) => ({ prompt: `Warm up, number ${index}.` })),
    )
    const oursMs: number[] = []
    const bare: BareRun[] = []
    for (let run = 1; run <= runs; run++) {
      const bareRun = await runBareScript(inputPath, directory, `${stack.simulatorUrl}/openai/v1`, signal)
      requireAnswers('the bare script', bareRun.answers, items)
      bare.push(bareRun)
      const { job, elapsedMs } = await runJob(stack, inputPath)
      requireAnswers('the job', job.counts.succeeded, items)
      oursMs.push(elapsedMs)
      say(`whole-job: run ${run} of ${runs}: ${seconds(elapsedMs)}, bare script ${seconds(totalMs(bareRun))}`)
      say(`  job: created in ${seconds(elapsedMs - (await runningMs(stack, job)))}, then ${await phasesOf(stack, job)}`)
      say(
        `  bare: ${(['prepareMs', 'uploadMs', 'collectMs'] as const).map((key) => `${key} ${Math.round(bareRun[key])}`).join(', ')}`,
      )
    }
    const times = median(oursMs) / median(bare.map(totalMs))
    const timesPrepared = median(oursMs) / median(bare.map((run) => run.uploadMs + run.collectMs))
    return [
      information('whole job: Batchwright', medianOf(oursMs)),
      information('whole job: bare SDK script', medianOf(bare.map(totalMs))),
      held("whole job: times the script's wall time", `${times.toFixed(2)}×`, `≤ ${mostTimes}×`, times <= mostTimes),
      information('whole job: times a script whose provider lines are ready', `${timesPrepared.toFixed(2)}×`),
      ...memoryMeasurements('whole job', peakMemoryOf(stack), ['api', 'worker'], items),
      information('whole job: peak memory, bare script', megabytes(Math.max(...bare.map(({ peakBytes }) => peakBytes ?? 0)))),
    ]
  })

function totalMs({ prepareMs, uploadMs, collectMs }: BareRun): number {
  return prepareMs + uploadMs + collectMs
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

/** From the end of its upload. */
async function runningMs(stack: Stack, { id }: Job): Promise<number> {
  const instants = (await historyOf(stack, id)).map(({ atMs }) => atMs)
  return Math.max(...instants) - Math.min(...instants)
}

/** Where the time went, in seconds since the end of the upload, by the job's own history. */
async function phasesOf(stack: Stack, { id }: Job): Promise<string> {
  const history = await historyOf(stack, id)
  const startMs = history[0]?.atMs ?? 0
  return history.map(({ type, atMs }) => `${type} ${((atMs - startMs) / 1000).toFixed(1)}`).join(', ')
}

async function historyOf(stack: Stack, jobId: string): Promise<Array<{ type: string; atMs: number }>> {
  const client = new Batchwright({ url: stack.apiUrl, apiKey: '' })
  const events = await Array.fromAsync(client.jobs.events(jobId))
  return events
    .filter(({ type }) => type !== 'batch_progress')
    .map((event) => ({ type: event.type, atMs: Date.parse(event.created_at) }))
}

function requireAnswers(who: string, answers: number, items: number): void {
  if (answers !== items) throw new Error(`${who} ended with ${answers} answers for ${items} items`)
}
