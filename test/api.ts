import { inject } from 'vitest'
import { createApp, type App } from '../api/app.ts'
import { connectJobWorkflows, type JobWorkflows } from '../api/job-workflows.ts'
import { loadConfig, type Config } from '../config/config.ts'
import { createTestDatabase, type TestDatabase } from './services.ts'

/** A response's JSON, to be taken apart by a test. */
// oxlint-disable-next-line typescript/no-explicit-any
export async function answerOf(response: Response | Promise<Response>): Promise<any> {
  return await (await response).json()
}

export function jsonLines(...lines: unknown[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

export interface TestApi {
  readonly app: App
  readonly config: Config
  readonly temporal: JobWorkflows
  readonly test: TestDatabase
  request(path: string, init?: RequestInit): Promise<Response>
  /** A POST of JSON. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  /** A job from JSON lines, with the spec in the query. */
  upload(
    lines: string | Uint8Array | ReadableStream,
    query?: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Response>
  /** How many jobs and items there are. */
  stored(): Promise<{ jobs: number; items: number }>
  close(): Promise<void>
}

export const testModel = 'gpt-5-mini'

/** The API on a database of its own and the real Temporal server, without HTTP in between. OpenAI is configured, with a key that is none. */
export async function createTestApi(
  options: {
    environment?: Record<string, string>
    namespace?: string
    temporalAddress?: string
    progressMs?: number
    maxInputBytes?: number
  } = {},
): Promise<TestApi> {
  const test = await createTestDatabase()
  const loaded = loadConfig({
    directory: '/',
    environment: {
      OPENAI_API_KEY: 'sk-none',
      DATABASE_URL: test.url,
      TEMPORAL_ADDRESS: options.temporalAddress ?? inject('temporalAddress'),
      TEMPORAL_NAMESPACE: options.namespace ?? 'default',
      ...options.environment,
    },
  })
  const config = { ...loaded, maxInputBytes: options.maxInputBytes ?? loaded.maxInputBytes }
  const temporal = connectJobWorkflows(config.temporal)
  const stopping = new AbortController()
  const { progressMs = 1000 } = options
  const app = createApp({ database: test.database, temporal, config, logger: quiet, stopping: stopping.signal, progressMs })
  const request = async (path: string, init?: RequestInit) => await app.router.request(path, init)
  return {
    app,
    config,
    temporal,
    test,
    request,
    post: (path, body, headers = {}) =>
      request(path, {
        method: 'POST',
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    upload: (lines, query = { model: testModel }, headers = {}) =>
      request(`/v1/jobs?${new URLSearchParams(query).toString()}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', ...headers },
        body: lines as NonNullable<RequestInit['body']>,
        ...(lines instanceof ReadableStream ? { duplex: 'half' } : {}),
      }),
    async stored() {
      const [row] = await test.database.sql<{ jobs: number; items: number }[]>`
        select (select count(*)::int from jobs) as jobs, (select count(*)::int from items) as items`
      return row ?? { jobs: 0, items: 0 }
    },
    async close() {
      stopping.abort()
      await app.close()
      await temporal.close()
      await test.drop()
    },
  }
}

const quiet = { debug() {}, info() {}, warn() {}, error: console.error }
