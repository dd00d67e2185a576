export { batchJob } from './batch-job.ts'
export { janitor } from './janitor.ts'
export { providerBatch } from './provider-batch.ts'
export { providerCheck } from './provider-check.ts'
