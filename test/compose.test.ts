import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { rooms } from '../lint/import-table.ts'

interface Service {
  image?: string
  command?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, { condition: string }>
  ports?: string[]
  healthcheck?: { test: string[] }
  restart?: string
}

const root = fileURLToPath(new URL('..', import.meta.url))
const text = readFileSync(`${root}docker-compose.yml`, 'utf8')
const { services, volumes } = parse(text, { merge: true }) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}
const names = Object.keys(services)
const ours = ['migrate', 'api', 'worker']

/** The environment that Batchwright reads (docs/architecture.md). */
const connections = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'LOG_LEVEL']
const providers = [
  'OPENAI_API_KEY',
  'OPENAI_BASE_URL',
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_BASE_URL',
  'GEMINI_API_KEY',
  'GOOGLE_API_KEY',
  'GOOGLE_GEMINI_BASE_URL',
]

function environment(name: string): string[] {
  return Object.keys(services[name]?.environment ?? {}).toSorted()
}

test('it has Postgres, Temporal with UI and admin tools, and our processes', () => {
  expect(names).toEqual(
    expect.arrayContaining(['postgres', 'temporal', 'temporal-ui', 'temporal-admin-tools', 'migrate', 'api', 'worker']),
  )
})

test('our processes get the environment that they read; only the worker gets provider keys', () => {
  expect(environment('migrate')).toEqual(connections.toSorted())
  expect(environment('api')).toEqual([...connections, 'PORT', 'BATCHWRIGHT_API_KEY'].toSorted())
  expect(environment('worker')).toEqual([...connections, ...providers].toSorted())
})

test('each dependency exists, and can fulfil its condition', () => {
  for (const name of names) {
    for (const [dependency, { condition }] of Object.entries(services[name]?.depends_on ?? {})) {
      const service = services[dependency]
      expect(service, `${name} depends on ${dependency}`).toBeDefined()
      if (condition === 'service_healthy') expect(service, dependency).toHaveProperty('healthcheck')
      // A service that is restarted whenever it ends never completes.
      else
        expect({ condition, restart: service?.restart }).toEqual({
          condition: 'service_completed_successfully',
          restart: expect.stringMatching(/^on-failure/),
        })
    }
  }
})

test('api and worker start after the migration, and the migration after both servers', () => {
  expect(services.api?.depends_on).toHaveProperty('migrate')
  expect(services.worker?.depends_on).toHaveProperty('migrate')
  expect(Object.keys(services.migrate?.depends_on ?? {})).toEqual(['postgres', 'temporal-namespace'])
})

test('only the API and the Web UI are published, and only to this machine', () => {
  const published = Object.fromEntries(names.flatMap((name) => (services[name]?.ports ? [[name, services[name].ports]] : [])))
  expect(published).toEqual({ api: ['127.0.0.1:8787:8787'], 'temporal-ui': ['127.0.0.1:8080:8080'] })
})

test('images are pinned to a version', () => {
  for (const name of names) expect(services[name]?.image, name).toMatch(/^[a-z/-]+:(\d[\w.]*|local)$/)
})

test('passwords and keys come from the environment; the two required ones stop `up` when they are missing', () => {
  const secrets = names.flatMap((name) =>
    Object.entries(services[name]?.environment ?? {}).filter(([key]) => /PASSWORD|PWD|_KEY$/.test(key)),
  )
  for (const [key, value] of secrets) expect(value, key).toMatch(/^\$\{[A-Z_]+(:-|:\?[^}]+)\}$/)
  expect(services.postgres?.environment?.POSTGRES_PASSWORD).toContain(':?')
  expect(services.api?.environment?.BATCHWRIGHT_API_KEY).toContain(':?')
  expect(services.api?.environment?.DATABASE_URL).toContain('${POSTGRES_PASSWORD:?')
})

test('.env.example names only variables that docker-compose.yml reads, and holds no value that is secret', () => {
  const example = readFileSync(`${root}.env.example`, 'utf8')
  for (const [, key, value] of example.matchAll(/^([A-Z_]+)=(.*)$/gm)) {
    expect(text).toContain(`\${${key}:`)
    if (key !== 'LOG_LEVEL') expect(value, key).toBe('')
  }
})

test('named volumes are declared', () => {
  const used = [...text.matchAll(/^\s+- ([a-z-]+):\//gm)].map((match) => match[1])
  expect(used).toEqual(Object.keys(volumes))
})

describe.runIf(existsSync(`${root}cli/main.ts`))('the CLI', () => {
  test.for(ours)('knows the command of service %s, with its options', (name) => {
    const [command = '', ...rest] = services[name]?.command ?? []
    const help = execFileSync(process.execPath, [`${root}cli/main.ts`, command, '--help'], { encoding: 'utf8' })
    for (const option of rest.filter((word) => word.startsWith('--'))) expect(help).toContain(option)
  })
})

test('the image holds every room that runs, and no other folder', () => {
  const letIn = [...readFileSync(`${root}.dockerignore`, 'utf8').matchAll(/^!([\w-]+)$/gm)].map((match) => match[1] ?? '')
  const running = Object.keys(rooms).filter(
    (room) => !room.includes('/') && !['bench', 'docs', 'examples', 'lint', 'test', 'tools'].includes(room),
  )
  expect(letIn.filter((name) => name !== 'LICENSE').toSorted()).toEqual(running.toSorted())
})

test('the Dockerfile copies only what .dockerignore lets in, and does not run as root', () => {
  const dockerfile = readFileSync(`${root}Dockerfile`, 'utf8')
  const ignore = readFileSync(`${root}.dockerignore`, 'utf8')
  const copied = /^COPY (package.*) \.\/$/m.exec(dockerfile)?.[1]?.split(' ') ?? []
  expect(copied).toEqual(['package.json', 'package-lock.json', '.npmrc'])
  for (const file of copied) {
    expect(ignore).toContain(`!${file}\n`)
    expect(readdirSync(root)).toContain(file)
  }
  expect(dockerfile).toMatch(/^USER node$/m)
})
