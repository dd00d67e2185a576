import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createProgressDisplay } from '../cli/progress-display.ts'
import { Batchwright, type Job } from '../client/batchwright.ts'
import { describeError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { isPortFree } from '../local/free-port.ts'
import { onEndingSignals } from '../local/ending-signals.ts'
import { killRecordedProcesses, runningProcesses } from '../local/process-record.ts'
import { defaultApiPort, startStack, type Stack } from '../local/stack.ts'
import { createStepPrinter } from '../local/step-printer.ts'
import { checkDemo, type DemoFindings } from './demo-check.ts'
import { watchAndKillWorker } from './demo-kill.ts'
import { demoUsage, readDemoOptions } from './demo-options.ts'

/*
 * `npm run demo`: a job of 600 items on the simulator, whose worker is killed in the middle. It fails on any wrong or missing answer, on anything that
 * was paid twice, and on any process that is left over.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const inputFile = join(root, 'examples', 'support-tickets.jsonl')
const schemaFile = join(root, 'examples', 'support-tickets.schema.json')
const configFile = join(root, 'examples', 'demo.yaml')
const model = 'gpt-5-mini'
/** The worker is killed when this part is done. */
const killAt = 0.4
const simulatorArgs = ['--duration', '8s', '--curve', 'linear', '--fail-rate', '0.02']
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
  say('Batchwright demo: 600 support tickets, classified and answered by a simulated OpenAI. Nothing is spent.')
  say()
  let stack: Stack | undefined
  let findings: DemoFindings | undefined
  let failure: string | undefined
  try {
    stack = await startDemoStack(demo, signal)
    // Whatever the job does or doesn't do: an interruption, or a process that stays down, ends it.
    findings = await Promise.race([runJob(stack, demo, signal), interrupted(signal), brokenDown(stack)])
  } catch (error) {
    failure = signal.aborted ? 'interrupted' : describeError(error)
  }
  const links = stack === undefined || findings === undefined ? [] : linksOf(stack, findings.job)
  if (stack !== undefined) {
    say('Stopping…')
    await stack.stop()
  }
  const leftOver = runningProcesses(recordOf(demo))
  const problems = [
    ...(failure === undefined ? [] : [failure]),
    ...(findings?.problems ?? []),
    ...leftOver.map(({ name, pid }) => `left over: ${name} (pid ${pid})`),
  ]
  if (findings !== undefined) report(findings, demo, links, performance.now() - startedAt)
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
        simulate: ['openai'],
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

async function runJob(stack: Stack, { outputDirectory }: Demo, signal: AbortSignal): Promise<DemoFindings> {
  const client = new Batchwright({ url: stack.apiUrl })
  const schema = JSON.parse(await readFile(schemaFile, 'utf8')) as JsonObject
  const created = await client.jobs.create({
    name: 'demo',
    provider: 'openai',
    model,
    schema,
    limits: { max_batch_requests: 100 },
    tags: { example: 'support-tickets' },
    items: inputFile,
  })
  say()
  say(`Job ${created.id}: ${created.counts.total} items in batches of 100`)
  const display = createProgressDisplay(process.stderr, { plainIntervalMs: 1500 })
  const worker = {
    pid: () => stack.process('worker')?.pid,
    kill: () => stack.kill('worker', 'SIGKILL', { restart: false }),
    restart: () => stack.restart('worker'),
  }
  const watching = watchAndKillWorker({ client, jobId: created.id, worker, killAt, display, signal })
  const { job, workersKilled } = await watching.finally(() => display.end())
  await writeResults(client, job, outputDirectory)
  const simulatorUrl = stack.simulatorUrl as string
  return await checkDemo({ client, job, inputFile, schema, model, simulatorUrl, workersKilled })
}

async function writeResults(client: Batchwright, job: Job, outputDirectory: string): Promise<void> {
  await rm(outputDirectory, { recursive: true, force: true })
  await mkdir(outputDirectory)
  for (const format of ['jsonl', 'csv'] as const) {
    const file = createWriteStream(join(outputDirectory, `answers.${format}`))
    const { bytes } = await client.jobs.resultBytes(job.id, { format })
    for await (const chunk of bytes) file.write(chunk)
    file.end()
    await finished(file)
  }
}

/** They work again after the first of them, which uses the same ports. */
function linksOf(stack: Stack, job: Job): string[] {
  const workflow = `${stack.uiUrl}/namespaces/${stack.temporalNamespace}/workflows/job-${job.id}`
  const { port } = new URL(stack.apiUrl)
  const flags = [
    ...(Number(port) === defaultApiPort ? [] : [`--port ${port}`]),
    ...(stack.dataDir === join(root, '.batchwright') ? [] : [`--data ${stack.dataDir}`]),
  ]
  return [
    `npm start${flags.length === 0 ? '' : ` -- ${flags.join(' ')}`}, then:`,
    `API      ${stack.apiUrl}/docs`,
    `Job      ${stack.apiUrl}/v1/jobs/${job.id}`,
    ...(stack.uiUrl === undefined ? [] : [`Temporal ${workflow}`]),
  ]
}

function report(findings: DemoFindings, { outputDirectory }: Demo, links: readonly string[], elapsedMs: number): void {
  const { job, examples, sentAgain, summary } = findings
  say()
  for (const { custom_id: customId, output } of examples.filter(({ status }) => status === 'succeeded')) {
    const answer = output as { category: string; priority: string; reply: string }
    say(`  ${customId}  ${answer.category}, ${answer.priority}: ${answer.reply.slice(0, 90)}`)
  }
  say()
  say(`Answers   ${relative(process.cwd(), outputDirectory) || '.'}/answers.jsonl and answers.csv`)
  say(`Cost      $${job.cost_usd} (simulated, not spent)`)
  if (sentAgain > 0) say(`Retries   ${sentAgain} items failed at the provider once and were sent again`)
  say(`Time      ${Math.round(elapsedMs / 1000)} s`)
  say(`Open it   ${links.join('\n          ')}`)
  say()
  process.stdout.write(`${summary}\n`)
}
