import type { Batchwright, Job, Result } from '../client/batchwright.ts'
import type { JsonObject } from '../core/json.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { expectedAnswers, type ExpectedAnswer } from './demo-answer.ts'

/** A job that has settled, with what it was created from. */
export interface DemoJob {
  readonly provider: ProviderKind
  readonly model: string
  readonly items: readonly JsonObject[]
  readonly job: Job
}

export interface DemoFindings {
  /** The first right answer of each job. */
  readonly examples: readonly Result[]
  /** `600 items, 600 answers, 0 twice, 1 worker killed` */
  readonly summary: string
  /** Empty: all is as it should be. */
  readonly problems: readonly string[]
}

/**
 * Compares what Batchwright returned with what the simulator says belongs to each prompt, and with the simulator's own books of what each provider answered
 * and billed since the jobs began.
 */
export async function checkDemo(input: {
  client: Batchwright
  jobs: readonly DemoJob[]
  schema: JsonObject
  simulatorUrl: string
  workersKilled: number
}): Promise<DemoFindings> {
  const { client, jobs, schema, simulatorUrl, workersKilled } = input
  const ofOthers = await batchesOfOtherJobs(client, jobs)
  const checked: JobFindings[] = []
  for (const demoJob of jobs) checked.push(await checkJob({ client, demoJob, schema, simulatorUrl, ofOthers }))
  const sum = (count: (findings: JobFindings) => number): number =>
    checked.reduce((total, findings) => total + count(findings), 0)
  const problems = checked.flatMap((findings) => findings.problems)
  if (workersKilled !== 1) problems.push(`${workersKilled} workers were killed instead of 1`)
  const items = sum((findings) => findings.items)
  const answers = sum((findings) => findings.answers)
  const twice = sum((findings) => findings.twice)
  return {
    examples: checked.flatMap(({ example }) => example ?? []),
    summary: `${items} items, ${answers} answers, ${twice} twice, ${workersKilled} worker killed`,
    problems,
  }
}

interface JobFindings {
  readonly items: number
  /** Right ones. */
  readonly answers: number
  /** Prompts that were paid for more than once. */
  readonly twice: number
  readonly example: Result | undefined
  readonly problems: readonly string[]
}

async function checkJob({
  client,
  demoJob: { provider, model, items, job },
  schema,
  simulatorUrl,
  ofOthers,
}: {
  client: Batchwright
  demoJob: DemoJob
  schema: JsonObject
  simulatorUrl: string
  ofOthers: ReadonlySet<string>
}): Promise<JobFindings> {
  const problems: string[] = []
  const report = (problem: string): void => void problems.push(`${provider}: ${problem}`)
  if (job.status !== 'completed') report(`the job is ${job.status}`)
  const expected = expectedAnswers(provider, items, { model, schema })
  const ids = [...expected.keys()]
  let answers = 0
  let example: Result | undefined
  for await (const result of client.jobs.results(job.id)) {
    if (result.custom_id !== ids[result.seq - 1])
      report(`result ${result.seq} is ${result.custom_id}, not ${ids[result.seq - 1]}`)
    if (result.provider !== provider) report(`${result.custom_id} was answered by ${result.provider}`)
    if (result.status !== 'succeeded') report(`${result.custom_id} ${result.status}: ${result.error?.message}`)
    else if (result.text !== expected.get(result.custom_id)?.text) report(`${result.custom_id} has the answer of another prompt`)
    else {
      answers += 1
      example ??= result
    }
  }
  if (answers !== items.length) report(`${answers} of ${items.length} items have a right answer`)
  const { missing, twice } = await readBooks({ simulatorUrl, provider, since: job.created_at, expected, ofOthers })
  if (missing > 0) report(`the books of the simulator have no answer to ${missing} of the prompts`)
  if (twice > 0) report(`${twice} items were paid for twice`)
  return { items: items.length, answers, twice, example, problems }
}

/**
 * Batches of jobs that are not the demo's: one that was interrupted goes on beside it, with the same prompts. All others count as the demo's, whatever
 * Batchwright knows of them: a batch that it has forgotten is one that was paid for in vain.
 */
async function batchesOfOtherJobs(client: Batchwright, jobs: readonly DemoJob[]): Promise<Set<string>> {
  const own = new Set(jobs.map(({ job }) => job.id))
  const batches = new Set<string>()
  for await (const other of client.jobs.list()) {
    if (own.has(other.id)) continue
    for await (const { provider_batch_id: id } of client.jobs.batches(other.id)) if (id !== null) batches.add(id)
  }
  return batches
}

/** How many of the prompts the provider billed never, and more than once, since the job began. */
async function readBooks(input: {
  simulatorUrl: string
  provider: ProviderKind
  since: string
  expected: ReadonlyMap<string, ExpectedAnswer>
  ofOthers: ReadonlySet<string>
}): Promise<{ missing: number; twice: number }> {
  const { simulatorUrl, provider, since, expected, ofOthers } = input
  const simulator = simulatorControl(simulatorUrl)
  const own = new Set(
    (await simulator.books()).batches
      .filter((batch) => batch.provider === provider && Date.parse(batch.created_at) >= Date.parse(since))
      .filter(({ id }) => !ofOthers.has(id))
      .map(({ id }) => id),
  )
  const billed = new Map([...expected.values()].map(({ fingerprint }) => [fingerprint, 0]))
  for await (const request of simulator.requests()) {
    if (!request.billed || request.batch_id === null || !own.has(request.batch_id)) continue
    const count = billed.get(request.fingerprint)
    if (count !== undefined) billed.set(request.fingerprint, count + 1)
  }
  const counts = [...billed.values()]
  return { missing: counts.filter((count) => count === 0).length, twice: counts.filter((count) => count > 1).length }
}
