import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { eq, sql } from 'drizzle-orm'
import type { BatchKey } from '../activities/batch-context.ts'
import type { BatchStep } from '../activities/batch-step.ts'
import type { ActivityDependencies, SubmissionTiming } from '../activities/dependencies.ts'
import { createPollActivities } from '../activities/poll.ts'
import { createSettleActivities } from '../activities/settle.ts'
import { createSubmitActivities } from '../activities/submit.ts'
import { leases, submissions } from '../db/schema.ts'
import type { SubmissionRow } from '../db/submissions.ts'
import { simulatorControl, startSimulator, type Simulator, type SimulatorControl } from '../simulator/simulator.ts'
import { activityDependencies } from './activity-dependencies.ts'
import { isOfJob } from './job-checks.ts'
import { insertBatch, insertJob } from './job-rows.ts'
import { createTestDatabase, type TestDatabase } from './services.ts'

export interface ActivityOptions {
  readonly reach?: ActivityDependencies['reach']
  readonly submission?: Partial<SubmissionTiming>
  readonly apiKey?: string
}

type Step = 'upload' | 'submit' | 'settle' | 'poll'

/** Single steps of batches, without a workflow: a database of its own and the simulator, which the provider takes for OpenAI. */
export interface BatchActivities {
  readonly db: TestDatabase
  readonly simulator: Simulator
  readonly control: SimulatorControl
  /** A batch of two items that has room and was not uploaded yet. */
  plannedBatch(): Promise<BatchKey>
  /** The same, with its file at the provider. */
  uploadedBatch(): Promise<BatchKey>
  /** One try of one step. Rejects with what Temporal would see. */
  run(name: Step, key: BatchKey, options?: ActivityOptions): Promise<BatchStep>
  /** The one submission that a batch has had. */
  submissionOf(key: BatchKey): Promise<SubmissionRow>
  /** Lets the time to send pass, without waiting for it. */
  passDeadline(key: BatchKey): Promise<void>
  /** Calls of one of the provider's routes so far. */
  callsOf(route: string): Promise<number>
  /** What the provider has of a job, by its own books. */
  remoteOf(key: BatchKey): Promise<string[]>
  close(): Promise<void>
}

/** With `yaml`, by that configuration. */
export async function startBatchActivities({ yaml }: { yaml?: string } = {}): Promise<BatchActivities> {
  const [db, simulator, directory] = await Promise.all([
    createTestDatabase(),
    startSimulator({}),
    mkdtemp(join(tmpdir(), 'batchwright-test-activities-')),
  ])
  if (yaml !== undefined) await writeFile(join(directory, 'batchwright.yaml'), yaml)
  const dependencies = ({ reach = () => {}, submission = {}, apiKey = 'sk-first' }: ActivityOptions): ActivityDependencies => {
    const used = activityDependencies(
      db.database,
      { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: simulator.baseUrls.openai },
      directory,
    )
    const timing = (provider: string) => ({ ...used.settings.submission(provider), ...submission })
    return { ...used, settings: { ...used.settings, submission: timing }, logger: quiet, reach }
  }
  const control = simulatorControl(simulator.url)
  const run: BatchActivities['run'] = async (name, key, options = {}) => {
    const used = dependencies(options)
    const activities = { ...createSubmitActivities(used), ...createSettleActivities(used), ...createPollActivities(used) }
    return await new MockActivityEnvironment({}, { logger: quiet }).run(() => activities[name](key))
  }
  const plannedBatch = async (): Promise<BatchKey> => {
    const { drizzle } = db.database
    const jobId = await insertJob(db.database, 2, { simulated: false })
    const key = await insertBatch(db.database, jobId, 2, { simulated: false })
    await drizzle.insert(leases).values({ jobId, batch: 1, lane: 'openai', model: 'gpt-4o-mini', tokens: 20 })
    return key
  }
  return {
    db,
    simulator,
    control,
    run,
    plannedBatch,
    async uploadedBatch() {
      const key = await plannedBatch()
      await run('upload', key)
      return key
    },
    async submissionOf({ jobId }) {
      const rows = await db.database.drizzle.select().from(submissions).where(eq(submissions.jobId, jobId))
      if (rows[0] === undefined || rows.length > 1) throw new Error(`job ${jobId} has ${rows.length} submissions`)
      return rows[0]
    },
    async passDeadline({ jobId }) {
      await db.database.drizzle
        .update(submissions)
        .set({ sendDeadline: sql`now()` })
        .where(eq(submissions.jobId, jobId))
    },
    callsOf: async (route) => (await control.books()).calls[`openai/${route}`] ?? 0,
    remoteOf: async ({ jobId }) => (await control.books()).batches.filter((batch) => isOfJob(batch, jobId)).map(({ id }) => id),
    async close() {
      await simulator.close()
      await db.drop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} }
