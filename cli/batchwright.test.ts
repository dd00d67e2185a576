import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const launcher = fileURLToPath(new URL('./batchwright.js', import.meta.url))
const oldNode = findOldNode()
let parent: string
let house: string

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'launcher-'))
  // A package in somebody's node_modules.
  house = join(parent, 'batchwright')
  mkdirSync(join(house, 'cli'), { recursive: true })
  copyFileSync(launcher, join(house, 'cli/batchwright.js'))
  writeFileSync(join(house, 'package.json'), '{"type":"module"}')
})

afterEach(() => rmSync(parent, { recursive: true }))

/** A Node older than 24 on this machine, outside of this project; where there is none, only the direct way can be tested. */
function findOldNode(): string | undefined {
  const folders = (process.env.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'))
  return folders
    .map((folder) => join(folder, 'node'))
    .find((node) => {
      try {
        return Number.parseInt(execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }), 10) < 24
      } catch {
        return false
      }
    })
}

function writeMain(source: string): void {
  writeFileSync(join(house, 'cli/main.ts'), source)
}

function writePackedMain(source: string): void {
  mkdirSync(join(house, 'dist/cli'), { recursive: true })
  writeFileSync(join(house, 'dist/cli/main.js'), source)
}

function installNode24(modules = 'node_modules'): void {
  mkdirSync(join(house, modules, '.bin'), { recursive: true })
  symlinkSync(process.execPath, join(house, modules, '.bin/node'))
}

function launch(node: string, ...args: string[]): ChildProcess {
  return spawn(node, [join(house, 'cli/batchwright.js'), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
}

async function outcome(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

const echo = `const words: string[] = process.argv.slice(2)
process.stdin.on('data', (chunk) => {
  console.log(Number.parseInt(process.versions.node) >= 24, words.join(), String(chunk))
  process.exitCode = 3
})
`

/** Ends at a SIGTERM, or when it is asked whether it is still there. */
const patient = `import { existsSync } from 'node:fs'
process.on('SIGTERM', () => { console.log('stopping'); process.exit(0) })
setInterval(() => { if (existsSync(new URL('asked', import.meta.url))) { console.log('still there'); process.exit(0) } }, 20)
console.log('ready')
`

/** The launcher below a shell, as npx starts it; the shell is then killed. Resolves when that is gone. */
async function orphaned(node: string, environment: NodeJS.ProcessEnv): Promise<{ output: Promise<string> }> {
  writeMain(patient)
  const shell = spawn('sh', ['-c', '"$0" "$1"; exit $?', node, join(house, 'cli/batchwright.js')], {
    env: { ...process.env, npm_lifecycle_event: undefined, npm_lifecycle_script: undefined, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const output = outcome(shell).then(({ stdout }) => stdout)
  await once(shell.stdout, 'data')
  const gone = once(shell, 'exit')
  shell.kill('SIGTERM')
  await gone
  return { output }
}

test('when the shell that npx started for it is gone, it is asked to stop', async () => {
  const { output } = await orphaned(process.execPath, { npm_lifecycle_event: 'npx', npm_lifecycle_script: "'batchwright'" })
  expect(await output).toBe('ready\nstopping\n')
})

test.for([
  ['a shell of its own', {}],
  ['a script that npx runs', { npm_lifecycle_event: 'npx', npm_lifecycle_script: 'batchwright up & echo started' }],
] as const)('started from %s, it goes on without it', async ([, environment]) => {
  const { output } = await orphaned(process.execPath, environment)
  // Nothing says that nothing will happen: more than one look of the launcher's.
  await new Promise((resolve) => setTimeout(resolve, 1200))
  writeFileSync(join(house, 'cli/asked'), '')
  expect(await output).toBe('ready\nstill there\n')
})

test('under Node 24 it runs the CLI in the same process', async () => {
  writeMain(echo)
  const child = launch(process.execPath, 'list', '--json')
  child.stdin?.end('hello')
  expect(await outcome(child)).toEqual({ code: 3, stdout: 'true list,--json hello\n', stderr: '' })
})

test('in the repository it runs the source, whatever was built', async () => {
  writeMain(`console.log('source')`)
  writePackedMain(`console.log('built')`)
  expect(await outcome(launch(process.execPath))).toEqual({ code: 0, stdout: 'source\n', stderr: '' })
})

test('in the package it runs what was built', async () => {
  writePackedMain(`console.log('built')`)
  expect(await outcome(launch(process.execPath))).toEqual({ code: 0, stdout: 'built\n', stderr: '' })
})

test('without either it says what is missing', async () => {
  const { code, stdout, stderr } = await outcome(launch(process.execPath))
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^batchwright: .*\/dist\/cli\/main\.js is missing; install batchwright again\n$/)
})

describe.runIf(oldNode !== undefined)('under an older Node', () => {
  test('it hands arguments, input, output and exit code over to the Node 24 of node_modules', async () => {
    writeMain(echo)
    installNode24()
    const child = launch(oldNode!, 'list', '--json')
    child.stdin?.end('hello')
    expect(await outcome(child)).toEqual({ code: 3, stdout: 'true list,--json hello\n', stderr: '' })
  })

  test.for(['SIGINT', 'SIGTERM'] as const)('it passes %s on and waits for the end', async (signal) => {
    writeMain(`process.on('${signal}', () => { console.log('stopping'); setTimeout(() => process.exit(130), 50) })
console.log('ready')
setInterval(() => {}, 1000)
`)
    installNode24()
    const child = launch(oldNode!)
    const ended = outcome(child)
    await once(child.stdout!, 'data')
    child.kill(signal)
    expect(await ended).toEqual({ code: 130, stdout: 'ready\nstopping\n', stderr: '' })
  })

  test('when the shell that npx started for it is gone, what it handed over to is asked to stop', async () => {
    installNode24()
    const { output } = await orphaned(oldNode!, { npm_lifecycle_event: 'npx', npm_lifecycle_script: "'batchwright'" })
    expect(await output).toBe('ready\nstopping\n')
  })

  test('in the package it hands over to the Node 24 that is installed beside it', async () => {
    writePackedMain(`console.log(Number.parseInt(process.versions.node) >= 24)`)
    installNode24('..')
    expect(await outcome(launch(oldNode!))).toEqual({ code: 0, stdout: 'true\n', stderr: '' })
  })

  test('in the package without a Node 24 it says in one line how to get it', async () => {
    writePackedMain('')
    const { code, stderr } = await outcome(launch(oldNode!))
    expect(code).toBe(1)
    expect(stderr).toMatch(/^batchwright: needs Node 24 or newer, this is v\d+\.\d+\.\d+; run `npm install node@24` .*\n$/)
  })

  test('without a Node 24 it says in one line what to do', async () => {
    writeMain(echo)
    const { code, stdout, stderr } = await outcome(launch(oldNode!))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^batchwright: needs Node 24 or newer, this is v\d+\.\d+\.\d+; run `npm ci` .*\n$/)
  })
})
