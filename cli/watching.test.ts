import { PassThrough } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { Batchwright, type Job } from '../client/batchwright.ts'
import { answerJson, exampleJob, finishedJob, startScriptedServer } from '../client/testing/scripted-server.ts'
import type { Cli } from './cli.ts'
import { runCli } from './program.ts'

let close: (() => Promise<void>) | undefined
afterEach(async () => {
  await close?.()
  close = undefined
})

/** A command against an API that gives these states of the job, one a question, and has no stream. */
async function run(jobs: readonly Job[], ...args: string[]): Promise<{ code: number; stderr: string }> {
  const left = [...jobs]
  const server = await startScriptedServer((request, response) => {
    if (request.url?.endsWith('/stream') === true) response.writeHead(204).end()
    else answerJson(response, left.length > 1 ? left.shift() : left[0])
  })
  close = server.close
  let stderr = ''
  const stream = new PassThrough({ decodeStrings: false })
  stream.on('data', (chunk: Buffer | string) => (stderr += chunk.toString()))
  const cli: Cli = {
    stdout: new PassThrough() as unknown as NodeJS.WriteStream,
    stderr: stream as unknown as NodeJS.WriteStream,
    stdin: new PassThrough() as unknown as NodeJS.ReadStream,
    client: () => new Batchwright({ url: server.url }),
    exitCode: 0,
  }
  const code = await runCli(cli, args)
  await new Promise((resolve) => setImmediate(resolve))
  return { code, stderr }
}

const paused = exampleJob({ status: 'paused', pause: { reason: 'user', detail: null } })

test.for(['wait', 'watch'])('%s says once that a job is paused by hand, and goes on waiting', async (command) => {
  const { code, stderr } = await run([paused, paused, paused, exampleJob(), finishedJob()], command, paused.id)
  expect(code).toBe(0)
  expect(stderr.match(/paused by hand; go on with: batchwright resume k7m2x9qd4hta/g)).toHaveLength(1)
})

test('after a timeout nobody says that a paused job goes on by itself', async () => {
  const { code, stderr } = await run([paused], 'wait', paused.id, '--timeout', '200ms')
  expect(code).toBe(4)
  expect(stderr).toContain('is still paused at the end of the time given; it goes on when it is resumed')
})
