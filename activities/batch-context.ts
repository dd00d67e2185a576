import { BatchwrightError } from '../core/errors.ts'
import { modelOfRound, resolveRetry, roundsAllowed, type JobSpec, type RetryPolicy } from '../core/job-spec.ts'
import { listParts, loadBatch, type BatchRow } from '../db/batches.ts'
import { loadJob, type JobRow } from '../db/job-state.ts'
import type { JobDefaults } from '../formats/rendering.ts'
import { ProviderError, type Provider } from '../providers/provider.ts'
import { phaseOf, step, type BatchStep } from './batch-step.ts'
import type { ActivityDependencies } from './dependencies.ts'

export interface BatchKey {
  readonly jobId: string
  readonly batch: number
}

export interface BatchContext {
  readonly job: JobRow
  readonly spec: JobSpec
  readonly batch: BatchRow
}

export async function loadContext({ database }: ActivityDependencies, { jobId, batch }: BatchKey): Promise<BatchContext> {
  const job = await loadJob(database.drizzle, jobId)
  return { job, spec: parseSpec(job), batch: await loadBatch(database.drizzle, jobId, batch) }
}

/** Where a batch stands now. One that has ended comes with the batches that go on with its items: its job starts those at once. */
export async function stepOf({ database }: ActivityDependencies, { jobId, batch }: BatchKey): Promise<BatchStep> {
  const { status } = await loadBatch(database.drizzle, jobId, batch)
  if (status !== 'ended') return step(phaseOf(status))
  return { ...step('ended'), parts: await listParts(database.drizzle, jobId, batch) }
}

export function parseSpec(job: JobRow): JobSpec {
  // Checked when it was created; a version that takes less must not stop what runs.
  return JSON.parse(job.spec) as JobSpec
}

/** The worker's provider in the form that the job was created for: a simulated job never reaches a real provider, nor the reverse. */
export function requireProvider({ providers }: ActivityDependencies, name: string, simulated: boolean): Provider {
  const provider = providers.find(name)
  if (provider === null) {
    throw new BatchwrightError(
      'provider_unconfigured',
      `this worker has no provider "${name}": set its key and start the worker again`,
    )
  }
  if (provider.simulated !== simulated) {
    throw new BatchwrightError(
      'provider_unconfigured',
      simulated
        ? `the job was created with a simulated "${name}": start again with --simulate to finish it`
        : `the job was created with the real "${name}", which is simulated now: start again without --simulate to finish it`,
    )
  }
  return provider
}

/** How the items of a batch are rendered: the job's own settings, and the batch's model where the round overrules them. */
export function defaultsFor({ job, spec, batch }: BatchContext, retry: RetryPolicy): JobDefaults {
  const fallbackModels = spec.fallback_models ?? []
  const roundInJob = batch.round - job.firstRound + 1
  const isFallback = modelOfRound('', fallbackModels, roundInJob, roundsAllowed(retry, fallbackModels)) !== ''
  return { ...jobDefaults(job, spec), modelOverride: isFallback ? batch.model : null }
}

export function jobDefaults(job: JobRow, spec: JobSpec): JobDefaults {
  return {
    model: job.model,
    modelOverride: null,
    endpoint: spec.endpoint ?? null,
    system: spec.system ?? null,
    schema: spec.schema ?? null,
    maxTokens: spec.max_tokens ?? null,
    temperature: spec.temperature ?? null,
  }
}

export function retryPolicy({ settings }: ActivityDependencies, provider: string, spec: JobSpec): RetryPolicy {
  return resolveRetry(spec.retry, ...settings.retry(provider))
}

/** The answer of a provider call about one batch, or null when the provider does not know it. */
export async function lookUp<Result>(call: () => Promise<Result>): Promise<Result | null> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'not_found') return null
    throw error
  }
}
