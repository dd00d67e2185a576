import { Batchwright } from 'batchwright'

const batchwright = new Batchwright()
const job = await batchwright.jobs.create(
  {
    provider: 'openai',
    model: 'gpt-5-mini',
    name: 'reviews',
    prompt: 'Is this review of a {{product}} positive or negative? {{text}}',
    // JSON lines, or CSV by its name.
    items: new URL('reviews.csv', import.meta.url),
  },
  { onUploadProgress: (sentBytes, totalBytes) => console.error(`${sentBytes} of ${totalBytes ?? '?'} bytes`) },
)
const ended = await batchwright.jobs.wait(job.id, { onProgress: ({ progress }) => console.error(`${progress.done} done`) })
console.log(ended.status, ended.counts.succeeded, 'of', ended.counts.total)
