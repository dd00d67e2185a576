import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf, createTestApi, type TestApi } from '../test/api.ts'
import { loadConfig } from '../config/config.ts'
import { requireKeyBeyondLoopback } from './authentication.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api.close())

async function problem(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const body = await answerOf(response)
  expect(body).toMatchObject({
    status: response.status,
    type: `urn:batchwright:problem:${body.code}`,
    title: expect.any(String),
    detail: expect.any(String),
  })
  expect(body.detail).not.toContain('\n')
  return body
}

describe('requests that fit no route', () => {
  test('an unknown path is a problem', async () => {
    expect(await problem(await api.request('/v1/jbos'))).toMatchObject({ status: 404, code: 'route_not_found' })
  })

  test('a method that a path does not take is a problem that names those that it takes', async () => {
    const response = await api.request('/v1/jobs', { method: 'PUT' })
    expect(response.headers.get('allow')).toBe('POST, GET')
    expect(await problem(response)).toMatchObject({ status: 405, code: 'method_not_allowed' })
  })

  test('an unknown job is a problem', async () => {
    for (const path of ['', '/items', '/results', '/events', '/batches', '/costs', '/stream', '/items/1']) {
      expect(await problem(await api.request(`/v1/jobs/nope${path}`)), path).toMatchObject({ status: 404, code: 'job_not_found' })
    }
  })

  test('an unknown query parameter is named with the nearest one', async () => {
    expect(await problem(await api.request('/v1/jobs?statsu=queued'))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [{ field: 'statsu', reason: 'unknown key (did you mean "status"?)' }],
    })
  })

  test('a NUL in an id is no job, and in a filter it is refused with the field', async () => {
    for (const path of ['', '/items', '/results', '/costs'])
      expect(await problem(await api.request(`/v1/jobs/a%00b${path}`)), path).toMatchObject({
        status: 404,
        code: 'job_not_found',
      })
    for (const field of ['name', 'provider', 'model', 'tag', 'cursor'])
      expect(await problem(await api.request(`/v1/jobs?${field}=a%00b`)), field).toMatchObject({
        status: 400,
        errors: [{ field }],
      })
  })

  test.each([
    ['/v1/jobs/k7m2x9qd4hta/results?after_seq=99999999999', 'after_seq'],
    ['/v1/jobs/k7m2x9qd4hta/items/99999999999', 'seq'],
    ['/v1/jobs?limit=0', 'limit'],
    ['/v1/jobs?limit=1001', 'limit'],
    ['/v1/jobs?status=quued', 'status[0]'],
    ['/v1/jobs?cursor=bm9uc2Vuc2U', 'cursor'],
    ['/v1/jobs?created_after=yesterday', 'created_after'],
  ])('%s is refused with the field', async (path, field) => {
    expect(await problem(await api.request(path))).toMatchObject({ code: 'invalid_request', errors: [{ field }] })
  })
})

describe('who may ask', () => {
  test.each([
    [{ host: 'evil.example:8787' }, 'host_not_allowed'],
    [{ host: '127.0.0.1.evil.example' }, 'host_not_allowed'],
    [{ host: 'localhost:8787', origin: 'https://evil.example' }, 'origin_not_allowed'],
    [{ host: 'localhost:8787', origin: 'http://localhost:9999' }, 'origin_not_allowed'],
    [{ host: 'localhost:8787', origin: 'null' }, 'origin_not_allowed'],
  ])('%o is refused', async (headers, code) => {
    expect(await problem(await api.request('/v1/jobs', { headers }))).toMatchObject({ status: 403, code })
  })

  test.each([{ host: 'localhost:8787' }, { host: '[::1]:8787' }, { host: '127.0.0.1:8787', origin: 'http://127.0.0.1:8787' }])(
    '%o is served',
    async (headers) => {
      expect((await api.request('/v1/jobs', { headers })).status).toBe(200)
    },
  )

  test('with a key set, only probes get by without it', async () => {
    const guarded = await createTestApi({ environment: { BATCHWRIGHT_API_KEY: 'open-sesame', HOST: '0.0.0.0' } })
    try {
      expect(await problem(await guarded.request('/v1/jobs'))).toMatchObject({ status: 401, code: 'unauthorized' })
      expect((await guarded.request('/v1/jobs', { headers: { authorization: 'Bearer open-sesam' } })).status).toBe(401)
      expect(
        (await guarded.request('/v1/jobs', { headers: { authorization: 'Bearer open-sesame', host: 'batch.example' } })).status,
      ).toBe(200)
      expect((await guarded.request('/healthz')).status).toBe(200)
    } finally {
      await guarded.close()
    }
  })

  test('an address that others can reach needs a key', () => {
    const { api: open } = loadConfig({ directory: '/', environment: { HOST: '0.0.0.0' } })
    expect(() => requireKeyBeyondLoopback(open)).toThrow(/HOST=0\.0\.0\.0 can be reached by others: set BATCHWRIGHT_API_KEY/)
    const { api: guarded } = loadConfig({ directory: '/', environment: { HOST: '0.0.0.0', BATCHWRIGHT_API_KEY: 'k' } })
    expect(() => requireKeyBeyondLoopback(guarded)).not.toThrow()
  })
})

describe('health', () => {
  test('readyz names what is missing', async () => {
    const response = await api.request('/readyz')
    expect(response.status).toBe(503)
    expect(await answerOf(response)).toMatchObject({
      ready: false,
      postgres: { ready: true },
      temporal: { ready: true },
      worker: { ready: false, detail: expect.stringContaining('batchwright worker') },
    })
  })

  test('without Postgres, requests are answered with 503', async () => {
    const lost = await createTestApi()
    await lost.test.database.close()
    expect(await problem(await lost.request('/v1/jobs'))).toMatchObject({ status: 503, code: 'database_unavailable' })
    expect(await answerOf(lost.request('/readyz'))).toMatchObject({ postgres: { ready: false } })
    await lost.close()
  })
})

describe('the documents', () => {
  test('the OpenAPI document names every route, and every reference in it resolves', async () => {
    const document = await answerOf(api.request('/openapi.json'))
    expect(document.openapi).toBe('3.1.0')
    const served = api.app.router.routes
      .filter(({ method, path }) => method !== 'ALL' && !/^\/(docs|openapi|$)/.test(path))
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`)
    const described = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    expect(described.sort()).toEqual([...new Set(served)].sort())
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      (match) => match[1] as string,
    )
    expect(references).toContain('Job')
    expect(references.filter((name) => document.components.schemas[name] === undefined)).toEqual([])
    const ids = Object.values<Record<string, { operationId: string }>>(document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    )
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('the page loads nothing from outside', async () => {
    const page = await api.request('/docs')
    const html = await page.text()
    const references = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] as string)
    expect(references.length).toBeGreaterThan(2)
    for (const reference of references) {
      expect(reference).toMatch(/^\/docs\//)
      expect((await api.request(reference)).status, reference).toBe(200)
    }
    expect(await (await api.request('/docs/start.js')).text()).toContain('validatorUrl: null')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const bundle = await (await api.request('/docs/swagger-ui-bundle.js')).bytes()
    expect(bundle.length).toBe(
      readFileSync(createRequire(import.meta.url).resolve('swagger-ui-dist/swagger-ui-bundle.js')).length,
    )
  })
})
