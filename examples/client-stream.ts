import { Batchwright } from 'batchwright'

/** Made, or read from a database, while they are sent: never all in memory. */
async function* questions() {
  for (let n = 1; n <= 50; n++) yield { custom_id: `sum-${n}`, prompt: `What is ${n} + ${n}?`, max_tokens: 300 }
}

const batchwright = new Batchwright()
const job = await batchwright.jobs.create({ provider: 'openai', model: 'gpt-5-mini', items: questions() })
// Each answer as it comes, once, until the job has ended.
for await (const { custom_id, status, text } of batchwright.jobs.results(job.id, { follow: true })) {
  console.log(custom_id, status, text)
}
