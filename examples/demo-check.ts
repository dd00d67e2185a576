import { readFile } from 'node:fs/promises'
import type { Batchwright, Job, Result } from '../client/batchwright.ts'
import type { JsonObject } from '../core/json.ts'
import { parseInputLine } from '../formats/input-line.ts'
import { renderOpenAiRequest } from '../formats/openai-request.ts'
import { loadCatalog } from '../models/catalog.ts'
import { answerFor, promptFingerprint, simulatorControl } from '../simulator/simulator.ts'

export interface DemoFindings {
  readonly job: Job
  readonly examples: readonly Result[]
  /** Items that needed more than one sending. */
  readonly sentAgain: number
  /** `600 items, 600 answers, 0 twice, 1 worker killed` */
  readonly summary: string
  /** Empty: all is as it should be. */
  readonly problems: readonly string[]
}

interface Expected {
  readonly fingerprint: string
  readonly text: string
}

/**
 * Compares what Batchwright returned with what the simulator says belongs to each prompt, and with the simulator's own books of what it answered and
 * billed for this job.
 */
export async function checkDemo(input: {
  client: Batchwright
  job: Job
  inputFile: string
  schema: JsonObject
  model: string
  simulatorUrl: string
  workersKilled: number
}): Promise<DemoFindings> {
  const { client, job, workersKilled } = input
  const problems = job.status === 'completed' ? [] : [`the job is ${job.status}`]
  const expected = await expectedAnswers(input)
  const ids = [...expected.keys()]
  const examples: Result[] = []
  let answers = 0
  let sentAgain = 0
  for await (const result of client.jobs.results(job.id)) {
    const wanted = expected.get(result.custom_id)
    if (result.custom_id !== ids[result.seq - 1])
      problems.push(`result ${result.seq} is ${result.custom_id}, not ${ids[result.seq - 1]}`)
    if (result.status !== 'succeeded') problems.push(`${result.custom_id} ${result.status}: ${result.error?.message}`)
    else if (wanted === undefined || result.text !== wanted.text)
      problems.push(`${result.custom_id} has the answer of another prompt`)
    else answers += 1
    if (result.attempts > 1) sentAgain += 1
    if ([1, 300, 600].includes(result.seq)) examples.push(result)
  }
  const twice = await countTwice(input.simulatorUrl, job.id, expected, problems)
  if (answers !== expected.size) problems.push(`${answers} of ${expected.size} items have a right answer`)
  if (twice > 0) problems.push(`${twice} items were paid for twice`)
  if (workersKilled !== 1) problems.push(`${workersKilled} workers were killed instead of 1`)
  const summary = `${expected.size} items, ${answers} answers, ${twice} twice, ${workersKilled} worker killed`
  return { job, examples, sentAgain, summary, problems }
}

async function expectedAnswers({
  inputFile,
  schema,
  model,
}: {
  inputFile: string
  schema: JsonObject
  model: string
}): Promise<Map<string, Expected>> {
  const catalog = loadCatalog()
  const defaults = { model, modelOverride: null, endpoint: null, system: null, schema, maxTokens: null, temperature: null }
  const expected = new Map<string, Expected>()
  for (const [index, line] of (await readFile(inputFile, 'utf8')).trimEnd().split('\n').entries()) {
    const { customId, request } = parseInputLine(line, index + 1)
    const { body } = renderOpenAiRequest(request, defaults, (name) => catalog.capabilities('openai', name))
    const answer = answerFor('/v1/chat/completions', body)
    const text = 'choices' in answer ? (answer.choices[0]?.message.content ?? '') : ''
    expected.set(customId ?? String(index + 1), { fingerprint: promptFingerprint('/v1/chat/completions', body), text })
  }
  return expected
}

/** Prompts of this job that the simulator billed more than once, by its own books. */
async function countTwice(
  simulatorUrl: string,
  jobId: string,
  expected: ReadonlyMap<string, Expected>,
  problems: string[],
): Promise<number> {
  const simulator = simulatorControl(simulatorUrl)
  const { batches } = await simulator.books()
  const ofJob = new Set(
    batches.filter(({ metadata }) => metadata?.['batchwright']?.startsWith(`job-${jobId}-`) === true).map(({ id }) => id),
  )
  const billed = new Map<string, number>()
  for await (const request of simulator.requests()) {
    if (request.batch_id === null || !ofJob.has(request.batch_id) || !request.billed) continue
    billed.set(request.fingerprint, (billed.get(request.fingerprint) ?? 0) + 1)
  }
  const missing = [...expected.values()].filter(({ fingerprint }) => !billed.has(fingerprint)).length
  if (missing > 0) problems.push(`the simulator's books have no answer to ${missing} of the prompts`)
  return [...billed.values()].filter((count) => count > 1).length
}
