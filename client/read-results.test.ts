import { afterEach, expect, test } from 'vitest'
import { Batchwright } from './batchwright.ts'
import { answerJson, exampleJob, finishedJob, startScriptedServer, type Handler } from './testing/scripted-server.ts'

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function serve(handler: Handler) {
  const server = await startScriptedServer(handler)
  cleanUps.push(server.close)
  return { server, jobs: new Batchwright({ url: server.url }).jobs }
}

function line(seq: number): string {
  return `${JSON.stringify({ seq, custom_id: `item-${seq}`, text: 'ä'.repeat(50) })}\n`
}

function afterSeqOf(path: string): number {
  return Number(new URL(path, 'http://localhost').searchParams.get('after_seq'))
}

async function seqsOf(results: AsyncIterable<{ seq: number }>): Promise<number[]> {
  return (await Array.fromAsync(results)).map(({ seq }) => seq)
}

test('a connection cut in the middle of a line loses and repeats nothing', async () => {
  let calls = 0
  const { server, jobs } = await serve((request, response) => {
    const from = afterSeqOf(request.url ?? '') + 1
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    if (calls++ === 0) {
      response.write(line(1) + line(2) + line(3).slice(0, 30))
      setTimeout(() => response.destroy(), 20)
      return
    }
    for (let seq = from; seq <= 5; seq++) response.write(line(seq))
    response.end()
  })
  expect(await seqsOf(jobs.results('k7m2x9qd4hta'))).toEqual([1, 2, 3, 4, 5])
  expect(server.requests.map(({ path }) => afterSeqOf(path))).toEqual([0, 2])
})

test('following gives each answer once, late ones as well', async () => {
  const passes = [
    [1, 3],
    [1, 2, 3],
  ]
  let pass = -1
  const { server, jobs } = await serve((request, response) => {
    if (request.url?.includes('/results') !== true) {
      pass++
      answerJson(response, pass === 0 ? exampleJob({ counts: { ...exampleJob().counts, succeeded: 2 } }) : finishedJob())
      return
    }
    const after = afterSeqOf(request.url)
    response.end(
      (passes[pass] ?? [])
        .filter((seq) => seq > after)
        .map(line)
        .join(''),
    )
  })
  expect(await seqsOf(jobs.results('k7m2x9qd4hta', { follow: true }))).toEqual([1, 3, 2])
  // The second pass needs not begin before the first gap.
  expect(server.requests.filter(({ path }) => path.includes('/results')).map(({ path }) => afterSeqOf(path))).toEqual([0, 1])
})

test('a limit is for the server, and reading ends there', async () => {
  const { server, jobs } = await serve((_request, response) => {
    response.end([1, 2].map(line).join(''))
  })
  expect(await seqsOf(jobs.results('k7m2x9qd4hta', { limit: 2, status: ['failed', 'expired'] }))).toEqual([1, 2])
  expect(server.requests[0]?.path).toBe('/v1/jobs/k7m2x9qd4hta/results?after_seq=0&status=failed%2Cexpired&limit=2')
})

test('an integer that no number holds is written again as it came', async () => {
  const { jobs } = await serve((_request, response) => {
    response.end('{"custom_id":"a","seq":1,"output":{"id":12345678901234567891},"metadata":7}\n')
  })
  const [result] = await Array.fromAsync(jobs.results('k7m2x9qd4hta'))
  expect(JSON.stringify(result?.output)).toBe('{"id":12345678901234567891}')
  expect(result?.metadata).toBe(7)
})
