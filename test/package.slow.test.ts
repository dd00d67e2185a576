import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { tmpdir } from 'node:os'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Result } from '../client/batchwright.ts'
import { prepareDataDirectory } from '../local/fixtures/own-ports.ts'
import { findFreePort } from '../local/free-port.ts'
import { removePostgresCluster } from '../local/postgres-cluster.ts'
import { isRunning } from '../local/process-identity.ts'
import { killRecordedProcesses, runningProcesses } from '../local/process-record.ts'
import { answerTo } from './job-checks.ts'
import { until } from './services.ts'

// The package as people get it: packed, installed in an empty folder, and used there by its name. Nothing of the repository's code runs in it.

const repository = join(import.meta.dirname, '..')
/** Building, and fetching what the package needs from the registry. */
const installingMs = 600_000
let parent: string
let folder: string
let dataDir: string
let record: string
let environment: NodeJS.ProcessEnv
let up: ChildProcess | undefined
let upOutput = ''

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(command: string, args: readonly string[], directory = folder): Promise<Ended> {
  const options = { cwd: directory, env: environment, timeout: installingMs, maxBuffer: 16 * 1024 * 1024 }
  return await promisify(execFile)(command, args, options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Ended) => error,
  )
}

async function succeed(command: string, args: readonly string[], directory?: string): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, directory)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`)
  return stdout
}

beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'batchwright-package-'))
  folder = join(parent, 'empty')
  dataDir = join(folder, 'data')
  record = join(dataDir, 'processes.json')
  const port = await findFreePort()
  // A shell of somebody who has this Node, and whom no `npm run` has started.
  environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_(lifecycle|package|command|config_local_prefix)|INIT_CWD)/.test(name)),
  )
  environment.PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`
  environment.BATCHWRIGHT_URL = `http://127.0.0.1:${port}`
  await prepareDataDirectory(dataDir)

  await succeed('npm', ['pack', '--pack-destination', parent], repository)
  const [tarball = 'none'] = globSync('*.tgz', { cwd: parent })
  await succeed('npm', ['init', '-y'])
  await succeed('npm', ['pkg', 'set', 'type=module'])
  await succeed('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(parent, tarball)])
  // As the README says.
  cpSync(join(folder, 'node_modules/batchwright/examples'), join(folder, 'examples'), { recursive: true })

  up = spawn('npx', ['batchwright', 'up', '--simulate', '--data', dataDir, '--port', String(port)], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  up.stderr?.setEncoding('utf8').on('data', (chunk: string) => (upOutput += chunk))
  const running = until('up to run', () => upOutput.includes('stop             Ctrl-C'), installingMs)
  await Promise.race([running, once(up, 'exit').then(() => Promise.reject(new Error(`up ended:\n${upOutput}`)))])
}, 2 * installingMs)

afterAll(async () => {
  const processes = runningProcesses(record)
  up?.kill('SIGTERM')
  try {
    // npx ends at once, and what it had started by itself.
    await until('everything to stop', () => !processes.some(isRunning), 60_000)
  } finally {
    killRecordedProcesses(record)
    if (existsSync(dataDir)) removePostgresCluster(dataDir)
    rmSync(parent, { recursive: true, force: true })
  }
})

test('it has what runs, and nothing that only tests and benchmarks need', () => {
  const files = globSync('**/*', {
    cwd: join(folder, 'node_modules/batchwright'),
    exclude: ['node_modules'],
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, 'node_modules/batchwright/').length))
  expect(new Set(files.map((file) => file.split('/')[0]))).toEqual(
    new Set(['LICENSE', 'README.md', 'cli', 'dist', 'docs', 'examples', 'package.json']),
  )
  expect(files.filter((file) => /\.test\.|testing\/|fixtures\/|conformance|^dist\/(bench|test|lint)\//.test(file))).toEqual([])
  expect(files.filter((file) => /(?<!\.d)\.ts$/.test(file) && !file.startsWith('examples/client-'))).toEqual([])
  expect(files).toContain('dist/simulator/main.js')
})

test('the command submits a file and prints its results', async () => {
  const prompts = ['Say one.', 'Say two.', 'Say three.']
  writeFileSync(join(folder, 'three.jsonl'), prompts.map((prompt) => `${JSON.stringify({ prompt })}\n`).join(''))
  await succeed('npx', ['batchwright', 'submit', 'three.jsonl', '-m', 'openai/gpt-4o-mini', '--name', 'three', '--wait'])
  const lines = (await succeed('npx', ['batchwright', 'results', 'three'])).trimEnd().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as Result).text)).toEqual(prompts.map((prompt) => answerTo(prompt)))
})

test('the worker runs the workflows that were bundled with it', async () => {
  const loader = pathToFileURL(join(folder, 'node_modules/batchwright/dist/worker/workflow-bundle.js')).href
  const script = `import { loadWorkflowBundle } from ${JSON.stringify(loader)}; console.log(JSON.stringify(await loadWorkflowBundle()))`
  const { codePath } = JSON.parse(await succeed('node', ['--input-type=module', '--eval', script])) as { codePath: string }
  expect(codePath).toBe(join(folder, 'node_modules/batchwright/dist/workflow-bundle.js'))
  const code = readFileSync(codePath, 'utf8')
  expect(code).toContain('batchJob')
  // Neither in the code nor in its source map is a path of the machine that built it.
  const sourceMap = Buffer.from(/sourceMappingURL=data:[^,\n]*,(\S+)/.exec(code)?.[1] ?? '', 'base64').toString()
  expect(sourceMap).toContain('./workflows/batch-job.ts')
  expect(`${code}${sourceMap}`).not.toContain(join(import.meta.dirname, '..'))
})

test('the client submits an array, waits and reads the results', async () => {
  expect(await succeed('node', ['examples/client-array.ts'])).toMatch(/^1 \S.*\n$/)
})

test('the client submits an async iterable and reads the results as they come', async () => {
  const lines = (await succeed('node', ['examples/client-stream.ts'])).trimEnd().split('\n')
  expect(lines.map((line) => line.split(' ', 2).join(' ')).toSorted()).toEqual(
    Array.from({ length: 50 }, (_, index) => `sum-${index + 1} succeeded`).toSorted(),
  )
})

test('the client submits a file and tells how far it is', async () => {
  const { stdout, stderr } = await run('node', ['examples/client-file.ts'])
  expect(stdout, stderr).toBe('completed 12 of 12\n')
  const { length } = readFileSync(join(folder, 'examples/reviews.csv'))
  expect(stderr).toContain(`${length} of ${length} bytes\n`)
  expect(stderr).toContain('12 done\n')
})

test('the client sends items in parts, and nothing twice when it runs again', async () => {
  for (let again = 0; again < 2; again++) expect(await succeed('node', ['examples/client-parts.ts'])).toBe('50 items\n')
  expect(JSON.parse(await succeed('npx', ['batchwright', 'list', '--name', 'sums', '--json']))).toHaveLength(1)
})

test('the client cancels a job', async () => {
  expect(await succeed('node', ['examples/client-cancel.ts'])).toBe('cancelled\n')
})

test('a program in JavaScript imports it by its name, as a module and by require', async () => {
  writeFileSync(join(folder, 'import.mjs'), `import { Batchwright } from 'batchwright'; console.log(new Batchwright().url)`)
  writeFileSync(join(folder, 'require.cjs'), `const { Batchwright } = require('batchwright'); console.log(new Batchwright().url)`)
  for (const file of ['import.mjs', 'require.cjs']) expect(await succeed('node', [file])).toBe(`${environment.BATCHWRIGHT_URL}\n`)
})

test("TypeScript knows the client's types, and reports what is wrong", async () => {
  writeFileSync(
    join(folder, 'consumer.ts'),
    `import { Batchwright, BatchwrightError, isSettled, type Job, type NewJob, type Result } from 'batchwright'

const spec: NewJob = { provider: 'openai', model: 'gpt-5-mini', items: [{ prompt: 'Say hello.' }] }
const batchwright = new Batchwright({ url: 'http://127.0.0.1:8787' })
const job: Job = await batchwright.jobs.create(spec)
for await (const result of batchwright.jobs.results(job.id)) {
  const { text, usage }: Result = result
  const tokens: number = usage.output_tokens + (text?.length ?? 0)
  // @ts-expect-error: a result's status is one of four.
  if (result.status === 'pending') console.log(tokens, isSettled(job), BatchwrightError)
}
// @ts-expect-error: items are objects.
await batchwright.jobs.create({ ...spec, items: ['Say hello.'] })
// @ts-expect-error: there is no such method.
await batchwright.jobs.submit(spec)
`,
  )
  // The package's own declarations are checked as well: one that names a file which was not packed would make its types `any`.
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(repository, 'node_modules/@types')],
    skipLibCheck: false,
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['consumer.ts'], include: ['examples/*.ts'] }),
  )
  const compiler = join(repository, 'node_modules/typescript/bin/tsc')
  expect(await run('node', [compiler, '--project', folder])).toEqual({ code: 0, stdout: '', stderr: '' })
})
