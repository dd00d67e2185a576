import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@temporalio/client'
import { NativeConnection } from '@temporalio/worker'
import { inject } from 'vitest'
import { createApp, type App } from '../api/app.ts'
import { connectJobWorkflows } from '../api/job-workflows.ts'
import type { CrashPoint } from '../activities/index.ts'
import { loadConfig, type Config } from '../config/config.ts'
import { createLogger } from '../config/logger.ts'
import { createRedactor } from '../config/redactor.ts'
import { loadCatalog } from '../models/catalog.ts'
import { createProviderRegistry } from '../providers/registry.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../simulator/simulator.ts'
import { activitySettings } from '../worker/activity-settings.ts'
import { providerSettings } from '../worker/provider-settings.ts'
import { startWorker, type RunningWorker } from '../worker/start-worker.ts'
import type { JobSpec } from '../core/job-spec.ts'
import type { JsonObject } from '../core/json.ts'
import type { JobStatus } from '../core/statuses.ts'
import { loadJob, type JobRow } from '../db/job-state.ts'
import { quietRuntime } from './quiet-runtime.ts'
import { claimNamespace, createTestDatabase, until, type TestDatabase } from './services.ts'

export interface JobStack {
  readonly db: TestDatabase
  readonly simulator: Simulator
  readonly client: Client
  readonly namespace: string
  readonly app: App
  readonly config: Config
  /** One more worker, with other variables if given. */
  startWorker(environment?: Record<string, string>): Promise<RunningWorker>
  stop(): Promise<void>
}

export interface JobStackOptions {
  readonly simulator?: SimulatorOptions
  /** `batchwright.yaml`; polling, backoff and the times of submissions are those of tests whatever it says, but for `asConfigured`. */
  readonly yaml?: string
  readonly asConfigured?: boolean
  readonly environment?: Record<string, string>
  readonly reach?: (point: CrashPoint) => void | Promise<void>
  /** How long a worker that is gone is taken for one that may come back, in milliseconds. */
  readonly goneAfterMs?: number
  /** Gets each line of the workers' log. */
  readonly log?: (line: string) => void
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
  if (options.yaml !== undefined) await writeFile(join(directory, 'batchwright.yaml'), options.yaml)
  const address = inject('temporalAddress')
  const configOf = (environment: Record<string, string>) =>
    loadConfig({
      directory,
      environment: {
        DATABASE_URL: db.url,
        TEMPORAL_ADDRESS: address,
        TEMPORAL_NAMESPACE: namespace,
        BATCHWRIGHT_SIMULATE: 'openai',
        BATCHWRIGHT_SIMULATOR_URL: simulator.url,
        ...options.environment,
        ...environment,
      },
    })
  const config = configOf({})
  const connection = await NativeConnection.connect({ address })
  const client = new Client({ connection, namespace })
  const workers: RunningWorker[] = []
  const temporal = connectJobWorkflows(config.temporal)
  const app = createApp({ database: db.database, temporal, config, logger: quiet })
  const startOne = async (environment: Record<string, string> = {}) => {
    const config = configOf(environment)
    const worker = await startWorker({
      connection,
      namespace,
      database: db.database,
      providers: createProviderRegistry(providerSettings(config), loadCatalog(config.models)),
      settings: options.asConfigured === true ? activitySettings(config) : testSettings(config, options.goneAfterMs),
      logger: options.log === undefined ? quiet : createLogger(config, 'worker', { write: options.log }),
      redact: createRedactor(config),
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
    app,
    config,
    startWorker: startOne,
    async stop() {
      for (const worker of workers) await worker.stop()
      await app.close()
      await temporal.close()
      await connection.close()
      await simulator.close()
      await db.drop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export const submissionTiming = { sendWindowMs: 1000, settleAfterMs: 200, settlePauseMs: 50 }

/** Milliseconds where production waits for minutes. */
function testSettings(config: Config, goneAfterMs = 90_000): ReturnType<typeof activitySettings> {
  return {
    ...activitySettings(config),
    polling: () => [{ initial: '20ms', max: '200ms' }],
    retry: () => [{ backoff: '20ms' }],
    submission: () => submissionTiming,
    unserved: { afterMs: 1000, goneAfterMs },
  }
}

/** Creates a job of these lines through the API. */
export async function createJob(stack: JobStack, lines: readonly JsonObject[], spec: JobSpec = {}): Promise<string> {
  const response = await stack.app.router.request('http://127.0.0.1/v1/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json', host: '127.0.0.1' },
    body: JSON.stringify({ provider: 'openai', model: 'gpt-4o-mini', ...spec, items: lines }),
  })
  const body = (await response.json()) as { id?: string; detail?: string }
  if (body.id === undefined) throw new Error(`the job was not created: ${response.status} ${body.detail}`)
  return body.id
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
