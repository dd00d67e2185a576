import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@temporalio/client'
import { NativeConnection } from '@temporalio/worker'
import { inject } from 'vitest'
import type { CrashPoint } from '../activities/index.ts'
import { loadConfig, type Config } from '../config/config.ts'
import { loadCatalog } from '../models/catalog.ts'
import { createProviderRegistry } from '../providers/registry.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../simulator/simulator.ts'
import { activitySettings } from '../worker/activity-settings.ts'
import { providerSettings } from '../worker/provider-settings.ts'
import { startWorker, type RunningWorker } from '../worker/start-worker.ts'
import { placeholderItemId } from '../core/item-id.ts'
import type { JobSpec } from '../core/job-spec.ts'
import type { JsonObject } from '../core/json.ts'
import type { JobStatus } from '../core/statuses.ts'
import { loadJob, type JobRow } from '../db/job-state.ts'
import { parseInputLine } from '../formats/input-line.ts'
import { insertJob } from './job-rows.ts'
import { quietRuntime } from './quiet-runtime.ts'
import { claimNamespace, createTestDatabase, until, type TestDatabase } from './services.ts'

export interface JobStack {
  readonly db: TestDatabase
  readonly simulator: Simulator
  readonly client: Client
  readonly namespace: string
  readonly config: Config
  startWorker(): Promise<RunningWorker>
  stop(): Promise<void>
}

export interface JobStackOptions {
  readonly simulator?: SimulatorOptions
  /** Lines of `batchwright.yaml`; polling and backoff are already those of tests. */
  readonly environment?: Record<string, string>
  readonly reach?: (point: CrashPoint) => void | Promise<void>
  /** Without one, the test starts its own. */
  readonly worker?: boolean
}

const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** What a job runs on, for tests: a database and a Temporal namespace of its own, the simulator, and a worker in this process. */
export async function startJobStack(options: JobStackOptions = {}): Promise<JobStack> {
  quietRuntime()
  const [db, simulator, namespace] = await Promise.all([
    createTestDatabase(),
    startSimulator(options.simulator ?? {}),
    claimNamespace(),
  ])
  const directory = await mkdtemp(join(tmpdir(), 'batchwright-test-stack-'))
  const address = inject('temporalAddress')
  const config = loadConfig({
    directory,
    environment: {
      DATABASE_URL: db.url,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      BATCHWRIGHT_SIMULATE: 'openai',
      BATCHWRIGHT_SIMULATOR_URL: simulator.url,
      ...options.environment,
    },
  })
  const connection = await NativeConnection.connect({ address })
  const client = new Client({ connection, namespace })
  const workers: RunningWorker[] = []
  const startOne = async () => {
    const worker = await startWorker({
      connection,
      namespace,
      database: db.database,
      providers: createProviderRegistry(providerSettings(config), loadCatalog(config.models)),
      settings: testSettings(config),
      logger: quiet,
      reach: options.reach ?? (() => {}),
      janitorIntervalMs: 1000,
      bundlePath: inject('workflowBundle'),
    })
    workers.push(worker)
    return worker
  }
  if (options.worker !== false) await startOne()
  return {
    db,
    simulator,
    client,
    namespace,
    config,
    startWorker: startOne,
    async stop() {
      for (const worker of workers) await worker.stop()
      await connection.close()
      await simulator.close()
      await db.drop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Milliseconds where production waits for minutes. */
function testSettings(config: Config): ReturnType<typeof activitySettings> {
  return {
    ...activitySettings(config),
    polling: () => [{ initial: '20ms', max: '200ms' }],
    retry: () => [{ backoff: '20ms' }],
    submission: () => ({ sendWindowMs: 1000, settleAfterMs: 200, settlePauseMs: 50 }),
  }
}

/** Creates and starts a job of these lines, as the API does it. */
export async function createJob(
  stack: JobStack,
  lines: readonly JsonObject[],
  spec: JobSpec = {},
  options: { start?: boolean; queuedAt?: Date } = {},
): Promise<string> {
  const provider = createProviderRegistry(providerSettings(stack.config), loadCatalog()).find('openai')
  if (provider === null) throw new Error('no provider')
  const defaults = {
    model: spec.model ?? 'gpt-4o-mini',
    modelOverride: null,
    endpoint: spec.endpoint ?? null,
    system: spec.system ?? null,
    schema: spec.schema ?? null,
    maxTokens: null,
    temperature: null,
  }
  const jobId = await insertJob(
    stack.db.database,
    lines.length,
    { status: 'queued', spec: JSON.stringify(spec), model: defaults.model, queuedAt: options.queuedAt ?? new Date() },
    (seq) => {
      const line = JSON.stringify(lines[seq - 1])
      const rendered = provider.render(parseInputLine(line, seq).request, defaults)
      return { line, bytes: Buffer.byteLength(provider.line(placeholderItemId(seq), rendered)) + 1, tokens: rendered.inputTokens }
    },
  )
  if (options.start !== false)
    await stack.client.workflow.start('batchJob', { taskQueue: 'batchwright', workflowId: `job-${jobId}`, args: [{ jobId }] })
  return jobId
}

/** The job once it has ended (or come to rest in another of these statuses). */
export async function jobAt(
  stack: JobStack,
  jobId: string,
  statuses: readonly JobStatus[] = ['completed', 'failed', 'cancelled', 'expired'],
  timeoutMs = 15_000,
): Promise<JobRow> {
  return await until(
    `job ${jobId} to be ${statuses.join(' or ')}`,
    async () => {
      const job = await loadJob(stack.db.database.drizzle, jobId)
      return statuses.includes(job.status) ? job : null
    },
    timeoutMs,
  )
}
