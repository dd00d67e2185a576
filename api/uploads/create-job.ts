import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { priorities } from '../../core/admission.ts'
import { BatchwrightError, describeError } from '../../core/errors.ts'
import { createJobId } from '../../core/job-id.ts'
import type { Endpoint } from '../../core/job-spec.ts'
import { keyVariable, type ProviderConfig } from '../../config/config.ts'
import { findJob, type SummarizedJob } from '../../db/jobs.ts'
import { isLaneServed } from '../../db/workers.ts'
import { claimUpload, discardUpload, finishUpload, type Claim, type IfExists } from '../../db/uploads.ts'
import type { UploadTarget } from '../../db/upload-target.ts'
import { InvalidLineError } from '../../formats/input-line.ts'
import type { DryRun } from '../contracts/jobs.ts'
import type { Dependencies } from '../dependencies.ts'
import { servedWithinMs } from '../served-lanes.ts'
import { describeDryRun } from './dry-run.ts'
import { ingest } from './ingest.ts'
import { createInputErrors, invalidInput, type InputErrors } from './input-errors.ts'
import type { JobInput } from './job-input.ts'
import { createRejectStore } from './reject-store.ts'
import { createLineChecker, type LineSummary } from './line-checker.ts'

export interface JobUpload extends JobInput {
  readonly idempotencyKey: string | null
  /** Its items come by and by. */
  readonly isDraft?: boolean
}

export interface CreatedJob {
  readonly created: boolean
  readonly job: SummarizedJob
}

const tenant = 'default'
/** Mostly the workflow runs when the answer is given, so that whoever looks at once finds it. */
const startWaitMs = 1000

/**
 * Creates a job: its row first, then its items as they stream, then the job begins to exist. Whatever goes wrong leaves nothing and frees
 * the key. The same key with the same content gives the same job.
 */
export async function createJob(
  dependencies: Dependencies,
  upload: JobUpload,
  ifExists: IfExists | null = null,
): Promise<CreatedJob> {
  const { database } = dependencies
  requireBatches(upload.resolved.provider)
  await requireConfigured(dependencies, upload.resolved.provider)
  const jobId = createJobId(randomBytes(16))
  const claim = await withLock(dependencies, jobId, async () => {
    const claim = await claimUpload(database, newJob(jobId, upload), ifExists)
    if (claim.outcome === 'claimed' && upload.isDraft !== true)
      await removedOnFailure(dependencies, jobId, async () => {
        const { items, summary, errors } = await receiveItems(dependencies, { jobId, receiving: null }, upload)
        await finishUpload(database, jobId, {
          items,
          rejected: errors.count,
          inputBytes: upload.meter.bytes,
          contentHash: upload.meter.contentHash(),
          model: summary.model ?? summary.jobModel,
          endpoint: summary.endpoint as Endpoint | null,
          mixed: summary.mixed,
          itemSchemas: summary.itemSchemas,
        })
      })
    return claim
  })
  if (claim.outcome === 'exists') return { created: false, job: await sameJob(dependencies, claim, upload) }
  if (claim.outcome === 'attached') {
    await readingErrors(upload.drain)
    return { created: false, job: await findJob(database, claim.jobId) }
  }
  const created = await findJob(database, jobId)
  if (upload.isDraft !== true) await startSoon(dependencies, created)
  return { created: true, job: created }
}

/**
 * Checks and plans a job, and leaves nothing of it. Its items are stored meanwhile, like those of any upload, because only so duplicates are found among
 * millions; no key and no name are claimed, and no provider is needed.
 */
export async function dryRunJob(dependencies: Dependencies, upload: JobUpload): Promise<DryRun> {
  const { database } = dependencies
  requireBatches(upload.resolved.provider)
  const jobId = createJobId(randomBytes(16))
  return await withLock(dependencies, jobId, async () => {
    await claimUpload(database, { ...newJob(jobId, upload), idempotencyKey: null, name: null })
    const dryRun = await removedOnFailure(dependencies, jobId, async () => {
      const { summary, errors } = await receiveItems(dependencies, { jobId, receiving: null }, upload)
      return await describeDryRun(dependencies, jobId, upload.resolved, summary, errors)
    })
    await discardUpload(database, jobId)
    return dryRun
  })
}

/** Holds the upload's lock meanwhile: without it the janitor takes the upload for abandoned. */
async function withLock<Result>({ locks, logger }: Dependencies, jobId: string, run: () => Promise<Result>): Promise<Result> {
  await locks.acquire(jobId)
  try {
    return await run()
  } finally {
    await locks
      .release(jobId)
      .catch((error: unknown) =>
        logger.warn({ jobId, error: describeError(error) }, 'the lock of an upload could not be given back'),
      )
  }
}

/** What is stored will run, so nobody waits for Temporal when it is away: the janitor starts the job when it is back. */
export async function startSoon({ temporal, logger }: Dependencies, { job }: SummarizedJob): Promise<void> {
  const started = temporal.start(job).catch((error: unknown) => {
    logger.warn({ jobId: job.id, error: describeError(error) }, 'the workflow of a new job could not be started yet')
  })
  await Promise.race([started, sleep(startWaitMs, undefined, { ref: false })])
}

async function removedOnFailure<Result>(
  { database, logger }: Dependencies,
  jobId: string,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    try {
      await discardUpload(database, jobId)
    } catch (failure) {
      logger.warn({ jobId, error: describeError(failure) }, 'a failed upload could not be removed yet; the janitor will')
    }
    throw error
  }
}

/** Throws `invalid_input` or `empty_input`. */
async function receiveItems(dependencies: Dependencies, target: UploadTarget, input: JobInput) {
  const received = await storeItems(dependencies, target, input, { items: 0, summary: null })
  const { items, errors } = received
  if (input.resolved.spec.skip_invalid !== true || items === 0) errors.throwIfAny()
  if (items === 0) throw new BatchwrightError('empty_input', 'the input has no items: give at least one line')
  return received
}

/** Checks and stores the items of an input after those that are there. What can't be taken is in `errors`, and kept if the job goes on without it. */
export async function storeItems(
  { database, catalog }: Dependencies,
  target: UploadTarget,
  { resolved, lines }: JobInput,
  earlier: { items: number; summary: LineSummary | null },
): Promise<{ items: number; summary: LineSummary; errors: InputErrors }> {
  const checker = createLineChecker(resolved, catalog, earlier.summary)
  const errors = createInputErrors()
  const { limit = Infinity, skip_invalid: skipInvalid = false } = resolved.spec
  const rejects = skipInvalid ? createRejectStore(database, target) : null
  const options = { after: earlier.items, limit, rejects }
  const items = await readingErrors(() => ingest(database, target, lines(), checker, errors, options))
  return { items, summary: checker.summary(), errors }
}

/** A reader that gives up at a line (CSV) reports it like any other bad line. */
export async function readingErrors<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof InvalidLineError) throw invalidInput([error])
    throw error
  }
}

async function sameJob(
  { database }: Dependencies,
  claim: Extract<Claim, { outcome: 'exists' }>,
  { meter, drain }: JobUpload,
): Promise<SummarizedJob> {
  await readingErrors(drain)
  if (meter.contentHash() !== claim.contentHash) {
    throw new BatchwrightError(
      'idempotency_key_reused',
      'this idempotency key was used for a job with other content: use a new key',
      {
        details: { job_id: claim.jobId },
      },
    )
  }
  return await findJob(database, claim.jobId)
}

function newJob(id: string, { resolved, meter, idempotencyKey, isDraft = false }: JobUpload): Parameters<typeof claimUpload>[1] {
  const { spec, provider, defaulted } = resolved
  return {
    id,
    tenant,
    idempotencyKey,
    name: spec.name ?? null,
    provider: provider.name,
    model: spec.model ?? null,
    endpoint: spec.endpoint ?? null,
    simulated: provider.simulated,
    spec: JSON.stringify(spec),
    tags: spec.tags ?? {},
    priority: priorities[spec.priority ?? 'normal'],
    ...(isDraft ? { draft: { parts: 0, lines: 0, defaulted, summary: null }, contentHash: meter.contentHash() } : {}),
  }
}

function requireBatches({ name, batch }: ProviderConfig): void {
  if (batch) return
  throw new BatchwrightError(
    'provider_without_batches',
    `provider "${name}" takes no batches (providers.${name}.batch is false in batchwright.yaml): name another provider, or set it to true if the endpoint has /files and /batches`,
    { details: { provider: name } },
  )
}

/** The API may run without keys: then a worker that serves the provider shows that it is configured. */
async function requireConfigured({ database }: Dependencies, provider: ProviderConfig): Promise<void> {
  if (provider.configured) return
  if (!provider.enabled)
    throw unconfigured(
      provider,
      `provider "${provider.name}" is switched off: set providers.${provider.name}.enabled in batchwright.yaml`,
    )
  if (await isLaneServed(database, { provider: provider.name, simulated: provider.simulated }, servedWithinMs)) return
  const variable = keyVariable(provider) ?? `providers.${provider.name}.api_key`
  throw unconfigured(
    provider,
    `provider "${provider.name}" has no key: set ${variable} where the worker runs, or try without one: batchwright up --simulate`,
  )
}

function unconfigured(provider: ProviderConfig, message: string): BatchwrightError {
  return new BatchwrightError('provider_unconfigured', message, { details: { provider: provider.name } })
}
