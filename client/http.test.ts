import { expect, test } from 'vitest'
import { afterwards } from '../test/services.ts'
import { createHttp } from './http.ts'
import { answerJson, startScriptedServer, type Handler } from './testing/scripted-server.ts'

// What one request does when the service behind it is being restarted.

async function httpTo(handler: Handler) {
  const server = await startScriptedServer(handler)
  afterwards(server.close)
  return { http: createHttp({ url: server.url, apiKey: undefined }), requests: server.requests }
}

const databaseAway = { code: 'database_unavailable', title: 'Database unavailable', detail: 'Postgres can not be reached' }

test('a read waits for a database that is being restarted', async () => {
  const { http, requests } = await httpTo((_request, response) =>
    requests.length < 3 ? answerJson(response, databaseAway, 503) : answerJson(response, { data: [] }),
  )
  expect((await http.send({ path: '/v1/jobs' })).status).toBe(200)
  expect(requests).toHaveLength(3)
})

test('a read goes on when the API breaks off and is there again', async () => {
  const { http, requests } = await httpTo((request, response) =>
    requests.length < 4 ? void request.socket.destroy() : answerJson(response, { data: [] }),
  )
  expect((await http.send({ path: '/v1/jobs' })).status).toBe(200)
  expect(requests).toHaveLength(4)
})

test('a command is not sent twice: it may have been taken', async () => {
  const { http, requests } = await httpTo((_request, response) => answerJson(response, databaseAway, 503))
  await expect(http.send({ method: 'POST', path: '/v1/jobs/k7/retry' })).rejects.toMatchObject({ code: 'database_unavailable' })
  expect(requests).toHaveLength(1)
})

test('what the API refuses is not asked again', async () => {
  const { http, requests } = await httpTo((_request, response) =>
    answerJson(response, { code: 'job_not_found', title: 'Job not found', detail: 'no job k7' }, 404),
  )
  await expect(http.send({ path: '/v1/jobs/k7' })).rejects.toMatchObject({ code: 'job_not_found' })
  expect(requests).toHaveLength(1)
})
