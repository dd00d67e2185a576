import { Batchwright } from 'batchwright'

async function* questions() {
  for (let n = 1; n <= 50; n++) yield { custom_id: `sum-${n}`, prompt: `What is ${n} + ${n}?`, max_tokens: 300 }
}

const batchwright = new Batchwright()
// Run again after a crash, it sends what is missing; run again after its end, it gives the same job.
const job = await batchwright.jobs.createInParts(
  { provider: 'openai', model: 'gpt-5-mini', name: 'sums', items: questions() },
  { idempotencyKey: 'sums-2026-11', itemsPerPart: 20, onPart: (part) => console.error(`part ${part} is stored`) },
)
console.log(job.counts.total, 'items')
