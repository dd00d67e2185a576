import { Batchwright } from 'batchwright'

const batchwright = new Batchwright()
const job = await batchwright.jobs.create({ provider: 'openai', model: 'gpt-5-mini', items: [{ prompt: 'Say hello.' }] })
await batchwright.jobs.wait(job.id)
for await (const result of batchwright.jobs.results(job.id)) console.log(result.custom_id, result.text)
