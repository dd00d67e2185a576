import { Batchwright, BatchwrightError } from 'batchwright'

const batchwright = new Batchwright()
const job = await batchwright.jobs.create({ provider: 'openai', model: 'gpt-5-mini', items: [{ prompt: 'Never mind.' }] })
try {
  await batchwright.jobs.cancel(job.id)
} catch (error) {
  // It has ended by itself; anything else is thrown on.
  if (!(error instanceof BatchwrightError) || error.code !== 'job_finished') throw error
}
const { status } = await batchwright.jobs.wait(job.id, { timeoutMs: 10 * 60_000 })
console.log(status)
