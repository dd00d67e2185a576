import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createProgressDisplay } from '../cli/progress-display.ts'
import { renderBlock } from '../cli/table.ts'
import { Batchwright, type Job } from '../client/batchwright.ts'
import { describeError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import { isPortFree } from '../local/free-port.ts'
import { onEndingSignals } from '../local/ending-signals.ts'
import { killRecordedProcesses, runningProcesses } from '../local/process-record.ts'
import { defaultApiPort, startStack, type Stack } from '../local/stack.ts'
import { createStepPrinter } from '../local/step-printer.ts'
import { checkDemo, type DemoFindings, type DemoJob } from './demo-check.ts'
import { watchAndKillWorker } from './demo-kill.ts'
import { demoUsage, readDemoOptions } from './demo-options.ts'

/*
 * `npm run demo`: 600 items in three jobs on the simulator, one at each provider, whose worker is killed in the middle. It fails on any wrong or missing
 * answer, on anything that was paid twice, and on any process that is left over.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const inputFile = join(root, 'examples', 'support-tickets.jsonl')
const schemaFile = join(root, 'examples', 'support-tickets.schema.json')
const configFile = join(root, 'examples', 'demo.yaml')
/** Each gets a job with its share of the items. */
const targets: ReadonlyArray<{ provider: ProviderKind; model: string }> = [
  { provider: 'openai', model: 'gpt-5-mini' },
  { provider: 'anthropic', model: 'claude-haiku-5-5' },
  { provider: 'gemini', model: 'gemini-3.5-flash' },
]
/** Three batches a job. Of Gemini’s the last one is small enough to go without a file. */
const requestsPerBatch = 80
/** The worker is killed when this part of all items is done. */
const killAt = 0.4
const simulatorArgs = ['--duration', '8s', '--curve', 'linear', '--fail-rate', '0.03']
/** What makes a stack use somebody's own database, Temporal, configuration or network. */
const variablesOfOthers = [
  'DATABASE_URL',
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_API_KEY',
  'BATCHWRIGHT_CONFIG',
  'HOST',
] as const

const say = (line = '') => void process.stderr.write(`${line}\n`)

interface Demo {
  readonly port: number | undefined
  readonly dataDir: string
  readonly outputDirectory: string
}

interface Played extends DemoFindings {
  readonly jobs: readonly DemoJob[]
}

const options = readDemoOptions(process.argv.slice(2))
if ('mistake' in options) {
  say(`demo: ${options.mistake}; ${demoUsage}`)
  process.exitCode = 2
} else {
  const { port, data } = options
  const dataDir = data === undefined ? join(root, '.batchwright') : resolve(data)
  const exitCode = await runDemo({ port, dataDir, outputDirectory: join(data === undefined ? root : dataDir, 'demo-output') })
  // What was interrupted, and connections to what was stopped, must not keep this process.
  process.exit(exitCode)
}

async function runDemo(demo: Demo): Promise<number> {
  for (const name of variablesOfOthers) delete process.env[name]
  const interruption = new AbortController()
  const killed = Promise.withResolvers<number>()
  const ignoreSignals = onEndingSignals({
    first() {
      say('Stopping (Ctrl-C again kills at once)')
      interruption.abort()
    },
    again() {
      killRecordedProcesses(recordOf(demo))
      killed.resolve(130)
    },
  })
  try {
    return await Promise.race([playDemo(demo, interruption.signal), killed.promise])
  } finally {
    ignoreSignals()
  }
}

async function playDemo(demo: Demo, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now()
  say('Batchwright demo: 600 support tickets, answered by OpenAI, Anthropic and Gemini, all of them simulated. Nothing is spent.')
  say()
  let stack: Stack | undefined
  let played: Played | undefined
  let failure: string | undefined
  try {
    stack = await startDemoStack(demo, signal)
    // Whatever the jobs do or don't do: an interruption, or a process that stays down, ends it.
    played = await Promise.race([runJobs(stack, demo, signal), interrupted(signal), brokenDown(stack)])
  } catch (error) {
    failure = signal.aborted ? 'interrupted' : describeError(error)
  }
  const links = stack === undefined || played === undefined ? [] : linksOf(stack, played.jobs)
  if (stack !== undefined) {
    say('Stopping…')
    await stack.stop()
  }
  const leftOver = runningProcesses(recordOf(demo))
  const problems = [
    ...(failure === undefined ? [] : [failure]),
    ...(played?.problems ?? []),
    ...leftOver.map(({ name, pid }) => `left over: ${name} (pid ${pid})`),
  ]
  if (played !== undefined) report(played, demo, links, performance.now() - startedAt)
  for (const problem of problems.slice(0, 10)) say(`FAILED: ${problem}`)
  if (problems.length > 10) say(`FAILED: … and ${problems.length - 10} more`)
  return problems.length === 0 ? 0 : 1
}

function recordOf({ dataDir }: Demo): string {
  return join(dataDir, 'processes.json')
}

async function interrupted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}

async function brokenDown(stack: Stack): Promise<never> {
  const { name, reason, logPath } = await stack.failed
  throw new Error(`${name} could not be kept running: ${reason} (log: ${logPath})`)
}

async function startDemoStack({ port, dataDir }: Demo, signal: AbortSignal): Promise<Stack> {
  const printer = createStepPrinter(process.stderr)
  try {
    return await startStack(
      {
        dataDir,
        port: port ?? ((await isPortFree(defaultApiPort)) ? defaultApiPort : 0),
        simulate: targets.map(({ provider }) => provider),
        simulatorArgs,
        configFile,
        stripProviderKeys: true,
        signal,
        env: { LOG_LEVEL: 'info' },
      },
      printer.report,
    )
  } finally {
    printer.end()
  }
}

async function runJobs(stack: Stack, { outputDirectory }: Demo, signal: AbortSignal): Promise<Played> {
  const client = new Batchwright({ url: stack.apiUrl })
  const schema = JSON.parse(await readFile(schemaFile, 'utf8')) as JsonObject
  const shares = await shareItems()
  const created = await Promise.all(
    shares.map(async ({ provider, model, items }) => {
      const limits = { max_batch_requests: requestsPerBatch }
      const tags = { example: 'support-tickets' }
      return await client.jobs.create({ name: `demo-${provider}`, provider, model, schema, limits, tags, items })
    }),
  )
  say()
  for (const { id, provider, model, counts } of created)
    say(`Job ${id}: ${counts.total} items for ${provider}/${model} in batches of ${requestsPerBatch}`)
  const display = createProgressDisplay(process.stderr, { plainIntervalMs: 2500 })
  const worker = {
    pid: () => stack.process('worker')?.pid,
    kill: () => stack.kill('worker', 'SIGKILL', { restart: false }),
    restart: () => stack.restart('worker'),
  }
  const watching = watchAndKillWorker({ client, jobs: created, worker, killAt, display, signal })
  const { jobs: settled, workersKilled } = await watching.finally(() => display.end())
  await writeResults(client, settled, outputDirectory)
  const jobs = shares.map((share, index) => ({ ...share, job: settled[index] as Job }))
  const simulatorUrl = stack.simulatorUrl as string
  return { jobs, ...(await checkDemo({ client, jobs, schema, simulatorUrl, workersKilled })) }
}

/** The first third of the tickets for the first provider, and so on. */
async function shareItems(): Promise<Array<Omit<DemoJob, 'job'>>> {
  const lines = (await readFile(inputFile, 'utf8')).trimEnd().split('\n')
  const share = Math.ceil(lines.length / targets.length)
  return targets.map((target, index) => ({
    ...target,
    items: lines.slice(index * share, (index + 1) * share).map((line) => JSON.parse(line) as JsonObject),
  }))
}

async function writeResults(client: Batchwright, jobs: readonly Job[], outputDirectory: string): Promise<void> {
  await rm(outputDirectory, { recursive: true, force: true })
  await mkdir(outputDirectory)
  for (const { id, provider } of jobs) {
    for (const format of ['jsonl', 'csv'] as const) {
      const file = createWriteStream(join(outputDirectory, `${provider}.${format}`))
      const { bytes } = await client.jobs.resultBytes(id, { format })
      for await (const chunk of bytes) file.write(chunk)
      file.end()
      await finished(file)
    }
  }
}

/** They work again after the first of them, which uses the same ports. */
function linksOf(stack: Stack, jobs: readonly DemoJob[]): string[] {
  const workflows = `${stack.uiUrl}/namespaces/${stack.temporalNamespace}/workflows`
  const { port } = new URL(stack.apiUrl)
  const flags = [
    ...(Number(port) === defaultApiPort ? [] : [`--port ${port}`]),
    ...(stack.dataDir === join(root, '.batchwright') ? [] : [`--data ${stack.dataDir}`]),
  ]
  return [
    `npm start${flags.length === 0 ? '' : ` -- ${flags.join(' ')}`}, then:`,
    `API      ${stack.apiUrl}/docs`,
    ...jobs.map(({ job }) => `Job      ${stack.apiUrl}/v1/jobs/${job.id}`),
    ...(stack.uiUrl === undefined ? [] : [`Temporal ${workflows}`]),
  ]
}

function report(played: Played, { outputDirectory }: Demo, links: readonly string[], elapsedMs: number): void {
  const { jobs, examples, summary } = played
  say()
  for (const { custom_id: customId, provider, output } of examples) {
    const answer = output as { category: string; priority: string; reply: string }
    say(`  ${customId}  ${provider}: ${answer.category}, ${answer.priority}: ${answer.reply.slice(0, 70)}`)
  }
  say()
  const directory = relative(process.cwd(), outputDirectory) || '.'
  say(
    renderBlock([
      ['Answers', `${directory}/openai.jsonl, anthropic.jsonl, gemini.jsonl, and the same as CSV`],
      ...jobs.map(({ provider, job }) => [provider, resultOf(job)] as const),
      ['Time', `${Math.round(elapsedMs / 1000)} s`],
    ]),
  )
  say(`Open it    ${links.join('\n           ')}`)
  say()
  process.stdout.write(`${summary}\n`)
}

function resultOf({ cost_usd, counts, earlier_attempts }: Job): string {
  const again = earlier_attempts === 0 ? '' : `; ${earlier_attempts} failed at the provider once and were sent again`
  return `${counts.succeeded} answers for $${cost_usd} (simulated, not spent)${again}`
}
