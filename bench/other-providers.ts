import { Batchwright, type Job } from '../client/batchwright.ts'
import { withStack } from './bench-stack.ts'
import type { Benchmark } from './benchmark.ts'
import { information, seconds } from './measurement.ts'
import { memoryMeasurements } from './memory-measurements.ts'
import { peakMemoryOf } from './peak-memory.ts'

const models = { anthropic: 'claude-haiku-4-5', gemini: 'gemini-2.5-flash' } as const

/**
 * The memory of a whole job on each of the other providers, on a stack of its own: Anthropic takes all lines in the body of one call, Gemini many small
 * batches. One run each; nothing is compared to a script.
 */
export const otherProviders: Benchmark = async ({ inputPath, items, signal, say }) => {
  const measurements = []
  for (const [provider, model] of Object.entries(models)) {
    const measured = await withStack(
      signal,
      async (stack) => {
        const client = new Batchwright({ url: stack.apiUrl, apiKey: '' })
        const startedAt = performance.now()
        const { id } = await client.jobs.create({ name: 'bench', provider, model, max_tokens: 100, items: inputPath })
        const job = await client.jobs.wait(id)
        requireAnswers(job, items)
        say(`${provider}: ${seconds(performance.now() - startedAt)}, ${job.batches.total} batches`)
        return [
          information(`${provider}: whole job`, seconds(performance.now() - startedAt)),
          ...memoryMeasurements(provider, peakMemoryOf(stack), ['api', 'worker'], items),
        ]
      },
      { simulate: [provider] },
    )
    measurements.push(...measured)
  }
  return measurements
}

function requireAnswers(job: Job, items: number): void {
  if (job.status !== 'completed' || job.counts.succeeded !== items)
    throw new Error(`job ${job.id} is ${job.status} with ${job.counts.succeeded} answers of ${items}`)
}
