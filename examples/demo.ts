import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createProgressDisplay } from '../cli/progress-display.ts'
import { Batchwright, type Job } from '../client/batchwright.ts'
import { describeError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { isPortFree } from '../local/free-port.ts'
import { runningProcesses } from '../local/process-record.ts'
import { defaultApiPort, startStack, type Stack } from '../local/stack.ts'
import { createStepPrinter } from '../local/step-printer.ts'
import { checkDemo, type DemoFindings } from './demo-check.ts'
import { demoUsage, readDemoOptions, type DemoOptions } from './demo-options.ts'

/*
 * `npm run demo`: a job of 600 items on the simulator, whose worker is killed in the middle. It fails on any wrong or missing answer, on anything that
 * was paid twice, and on any process that is left over.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const dataDir = join(root, '.batchwright')
const outputDirectory = join(root, 'demo-output')
const inputFile = join(root, 'examples', 'support-tickets.jsonl')
const schemaFile = join(root, 'examples', 'support-tickets.schema.json')
const model = 'gpt-5-mini'
/** The worker is killed when this part is done. */
const killAt = 0.4
const simulatorArgs = ['--duration', '8s', '--curve', 'linear', '--fail-rate', '0.02']

const say = (line = '') => void process.stderr.write(`${line}\n`)

const options = readDemoOptions(process.argv.slice(2))
if ('mistake' in options) {
  say(`demo: ${options.mistake}; ${demoUsage}`)
  process.exitCode = 2
} else {
  process.exitCode = await runDemo(options)
}

async function runDemo({ port }: DemoOptions): Promise<number> {
  const interruption = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort())
  const startedAt = performance.now()
  say('Batchwright demo: 600 support tickets, classified and answered by a simulated OpenAI. Nothing is spent.')
  say()
  let stack: Stack | undefined
  let findings: DemoFindings | undefined
  let failure: string | undefined
  try {
    stack = await startDemoStack(port, interruption.signal)
    findings = await runJob(stack, interruption.signal)
  } catch (error) {
    failure = interruption.signal.aborted ? 'interrupted' : describeError(error)
  }
  const links = stack === undefined || findings === undefined ? [] : linksOf(stack, findings.job)
  if (stack !== undefined) {
    say('Stopping…')
    await stack.stop()
  }
  const leftOver = runningProcesses(join(dataDir, 'processes.json'))
  const problems = [
    ...(failure === undefined ? [] : [failure]),
    ...(findings?.problems ?? []),
    ...leftOver.map(({ name, pid }) => `left over: ${name} (pid ${pid})`),
  ]
  if (findings !== undefined) report(findings, links, performance.now() - startedAt)
  for (const problem of problems.slice(0, 10)) say(`FAILED: ${problem}`)
  if (problems.length > 10) say(`FAILED: … and ${problems.length - 10} more`)
  return problems.length === 0 ? 0 : 1
}

async function startDemoStack(port: number | undefined, signal: AbortSignal): Promise<Stack> {
  const printer = createStepPrinter(process.stderr)
  try {
    return await startStack(
      {
        dataDir,
        port: port ?? ((await isPortFree(defaultApiPort)) ? defaultApiPort : 0),
        simulate: ['openai'],
        simulatorArgs,
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

async function runJob(stack: Stack, signal: AbortSignal): Promise<DemoFindings> {
  const client = new Batchwright({ url: stack.apiUrl })
  const schema = JSON.parse(await readFile(schemaFile, 'utf8')) as JsonObject
  const job = await client.jobs.create({
    name: 'demo',
    provider: 'openai',
    model,
    schema,
    limits: { max_batch_requests: 100 },
    tags: { example: 'support-tickets' },
    items: inputFile,
  })
  say()
  say(`Job ${job.id}: ${job.counts.total} items in batches of 100`)
  const display = createProgressDisplay(process.stderr, { plainIntervalMs: 1500 })
  const kill = Promise.withResolvers<void>()
  let workersKilled = 0
  const killWorker = async (): Promise<void> => {
    const pid = stack.process('worker')?.pid
    await stack.kill('worker', 'SIGKILL', { restart: false })
    workersKilled += 1
    display.note(`kill -9 of the worker (pid ${pid}) at ${Math.round(killAt * 100)} %. The providers go on; nobody watches now.`)
    await stack.restart('worker')
    display.note(`A new worker (pid ${stack.process('worker')?.pid}) is up and goes on where the first one was.`)
  }
  let isKilling = false
  const onProgress = (current: Job): void => {
    display.show(current)
    if (isKilling || current.progress.done < killAt * current.progress.total) return
    isKilling = true
    killWorker().then(kill.resolve, kill.reject)
  }
  const ended = await Promise.race([
    client.jobs.wait(job.id, { onProgress, signal }),
    stack.failed.then(({ name, reason }) => Promise.reject(new Error(`${name} could not be kept running: ${reason}`))),
  ]).finally(() => display.end())
  await kill.promise
  await writeResults(client, ended)
  return await checkDemo({
    client,
    job: ended,
    inputFile,
    schema,
    model,
    simulatorUrl: stack.simulatorUrl as string,
    workersKilled,
  })
}

async function writeResults(client: Batchwright, job: Job): Promise<void> {
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
  return [
    `npm start${Number(port) === defaultApiPort ? '' : ` -- --port ${port}`}, then:`,
    `API      ${stack.apiUrl}/docs`,
    `Job      ${stack.apiUrl}/v1/jobs/${job.id}`,
    ...(stack.uiUrl === undefined ? [] : [`Temporal ${workflow}`]),
  ]
}

function report({ job, examples, sentAgain, summary }: DemoFindings, links: readonly string[], elapsedMs: number): void {
  say()
  for (const { custom_id: customId, output } of examples) {
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
