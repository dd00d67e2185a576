import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Job, Result } from '../client/batchwright.ts'
import { simulatorControl } from '../simulator/simulator.ts'
import { answerTo } from '../test/job-checks.ts'
import { startCliStack, type CliStack } from '../test/cli-stack.ts'
import { afterwards, until } from '../test/services.ts'
import { neutralItems } from './testing/cli-process.ts'

// The life of a job: the command in a process of its own, against a real API, worker, database and Temporal.

const target = ['-m', 'openai/gpt-4o-mini'] as const

let running: CliStack | undefined
let stack: CliStack['stack']
let cli: CliStack['cli']

beforeAll(async () => {
  running = await startCliStack({ simulator: { duration_ms: 50 } })
  ;({ stack, cli } = running)
})

afterAll(async () => {
  await running?.stop()
})

beforeEach(async () => {
  const control = simulatorControl(stack.simulator.url)
  await control.clearFaults()
  await control.setOptions({ duration_ms: 50 })
})

async function submitted(file: string, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli.run('submit', file, ...target, ...options)
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^[2-9a-hjkmnp-z]{12}\n$/)
  return stdout.trim()
}

async function jobOf(reference: string): Promise<Job> {
  return JSON.parse((await cli.run('status', reference, '--json')).stdout) as Job
}

/** A job whose batch takes an hour. */
async function longJob(): Promise<string> {
  await simulatorControl(stack.simulator.url).setOptions({ duration_ms: '1h' })
  const id = await submitted(cli.writeLines('long.jsonl', neutralItems(3)))
  afterwards(async () => {
    await cli.run('cancel', id)
    await cli.run('wait', id, '--timeout', '15s')
  })
  return id
}

test('a job from its file to its answers', async () => {
  const file = cli.writeLines('good.jsonl', neutralItems(20))
  const { code, stdout, stderr } = await cli.run('submit', file, ...target, '--name', 'good', '--tag', 'team=a', '--wait')
  expect(code, stderr).toBe(0)
  // Only the id is a result; a script takes it as it is.
  const id = stdout.trim()
  expect(stdout).toMatch(/^[2-9a-hjkmnp-z]{12}\n$/)
  expect(stderr).toContain('20 items for openai/gpt-4o-mini (simulated')
  expect(stderr).toContain('20: 20 succeeded')
  expect(stderr).toContain('(simulated, not spent)')
  expect(stderr).toContain(`batchwright results ${id}`)
  expect(stderr).not.toContain('\u001b')

  const results = await cli.run('results', id)
  expect(results).toMatchObject({ code: 0, stderr: '' })
  const lines = results.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number; custom_id: string; status: string })
  expect(lines.map(({ seq }) => seq)).toEqual(neutralItems(20).map((_, index) => index + 1))
  expect(lines[19]).toMatchObject({ custom_id: 'item-20', status: 'succeeded', simulated: true })

  expect((await cli.run('results', 'good', '-o', 'answers.csv')).code).toBe(0)
  expect(readFileSync(join(cli.directory, 'answers.csv'), 'utf8').split('\n')[0]).toMatch(/^custom_id,/)
  expect(JSON.parse((await cli.run('results', id.slice(0, 8), '--json')).stdout)).toHaveLength(20)
  const raw = JSON.parse((await cli.run('results', id, '--raw')).stdout.split('\n')[0] as string) as { raw: string }
  expect(raw).toMatchObject({ custom_id: 'item-1', seq: 1, status: 'succeeded' })
  expect(JSON.parse(raw.raw)).toHaveProperty('response')

  expect((await cli.run('status', id)).stdout).toMatch(/Status +completed/)
  expect((await cli.run('list', '--tag', 'team=a')).stdout).toMatch(new RegExp(`^ID .*\n${id} +good +completed +20/20`))
  expect(JSON.parse((await cli.run('list', '--name', 'good', '--json')).stdout)).toMatchObject([{ id, tags: { team: 'a' } }])
  expect((await cli.run('items', id, '--custom-id', 'item-7')).stdout).toMatch(/\n +7 +item-7 +succeeded/)
  expect(JSON.parse((await cli.run('items', id, '--json')).stdout)).toHaveLength(20)
  expect((await cli.run('batches', id)).stdout).toMatch(/\n +1 +1 +completed +batch_/)
  expect((await cli.run('events', id)).stdout).toMatch(/^ +1 {2}\d{4}-/)
  expect(JSON.parse((await cli.run('costs', id, '--json')).stdout)).toMatchObject({ job_id: id, simulated: true, spent: false })
  expect((await cli.run('costs', id)).stdout).toContain('Simulated, not spent.')

  expect(await cli.run('delete', id)).toMatchObject({ code: 0, stdout: '' })
  expect(await cli.run('status', id)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^batchwright: there is no job/),
  })
})

test('failed items: exit 3, what failed is said, found, and sent again', async () => {
  const file = cli.writeLines(
    'some.jsonl',
    neutralItems(6, (index) => (index <= 2 ? `Say ${index}. [[simulate:refusal times=1]]` : `Say ${index}.`)),
  )
  const { code, stdout, stderr } = await cli.run('submit', file, ...target, '--wait')
  expect(code, stderr).toBe(3)
  const id = stdout.trim()
  expect(stderr).toContain('2 refusal')
  expect(stderr).toContain(`batchwright retry ${id}`)
  expect(await cli.run('results', id)).toMatchObject({ code: 3, stderr: expect.stringContaining('2 of 6 items did not succeed') })
  expect((await cli.run('items', id, '--status', 'failed')).stdout.trimEnd().split('\n')).toHaveLength(3)
  expect(JSON.parse((await cli.run('items', id, '--error-class', 'refusal', '--json')).stdout)).toHaveLength(2)

  expect((await cli.run('retry', id, '--error-class', 'refusal')).code).toBe(0)
  expect((await cli.run('wait', id, '--timeout', '15s')).code).toBe(0)
  expect((await cli.run('results', id)).code).toBe(0)
})

test('a job that is not finished: exit 6 with what there is, 4 after a timeout, 130 after Ctrl-C', async () => {
  const id = await longJob()
  expect(await cli.run('results', id)).toMatchObject({
    code: 6,
    stdout: '',
    stderr: expect.stringContaining('0 of 3 items have an answer so far'),
  })
  expect(await cli.run('wait', id, '--timeout', '300ms')).toMatchObject({
    code: 4,
    stdout: '',
    stderr: expect.stringContaining(`batchwright watch ${id}`),
  })

  const watching = cli.start(['watch', id])
  await until('the first line', () => watching.stderr().includes('in_progress: 0 of 3 items done'))
  watching.child.kill('SIGINT')
  expect(await watching.ended).toMatchObject({
    code: 130,
    stdout: '',
    stderr: expect.stringContaining(`Watch it again with: batchwright watch ${id}`),
  })
  expect((await jobOf(id)).status).toBe('in_progress')
})

test('results of a job that is half done are the finished half, and exit 6', async () => {
  const control = simulatorControl(stack.simulator.url)
  // The upload of one of two batches is held until the other has ended.
  await control.addFault('files.create:hold:skip=1')
  const file = cli.writeLines(
    'half.jsonl',
    neutralItems(4, (index) => `Half done: what is ${index} + 1?`),
  )
  const id = await submitted(file, '--max-batch-requests', '2')
  afterwards(async () => {
    await cli.run('cancel', id)
    await cli.run('wait', id, '--timeout', '15s')
  })
  await until('one batch to end', async () => (await jobOf(id)).batches.open === 1)
  await control.setOptions({ duration_ms: '1h' })
  await control.clearFaults()
  await control.release()
  await until('the other to run', async () => (await jobOf(id)).counts.submitted === 2)

  const { code, stdout, stderr } = await cli.run('results', id)
  expect({ code, stderr }).toEqual({ code: 6, stderr: expect.stringContaining('2 of 4 items have an answer so far') })
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Result)
  expect([
    [1, 2],
    [3, 4],
  ]).toContainEqual(answers.map(({ seq }) => seq))
  for (const { seq, status, text } of answers)
    expect({ status, text }).toEqual({ status: 'succeeded', text: answerTo(`Half done: what is ${seq} + 1?`) })
})

test('submit --wait detaches with the id on stdout', async () => {
  await simulatorControl(stack.simulator.url).setOptions({ duration_ms: '1h' })
  const submitting = cli.start(['submit', cli.writeLines('detach.jsonl', neutralItems(2)), ...target, '--wait'])
  await until('the job to run', () => submitting.stderr().includes('in_progress'))
  submitting.child.kill('SIGINT')
  const { code, stdout } = await submitting.ended
  expect(code).toBe(130)
  afterwards(async () => await cli.run('cancel', stdout.trim()))
  expect((await jobOf(stdout.trim())).status).toBe('in_progress')
})

test('pause, resume, poll and cancel; what does not fit the state is one line', async () => {
  const id = await longJob()
  await until('the batch at the provider', async () => (await jobOf(id)).counts.submitted === 3)
  expect((await cli.run('poll', id)).code).toBe(0)
  expect((await cli.run('pause', id)).code).toBe(0)
  await until('the pause', async () => (await jobOf(id)).status === 'paused')
  expect(await cli.run('pause', id)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^batchwright: [^\n]+\n$/) })
  expect((await cli.run('status', id)).stdout).toContain(`batchwright resume ${id}`)
  expect((await cli.run('resume', id)).code).toBe(0)
  await until('the end of the pause', async () => (await jobOf(id)).status === 'in_progress')
  expect(await cli.run('resume', id)).toMatchObject({ code: 1 })
  expect(await cli.run('delete', id)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^batchwright: [^\n]+\n$/) })

  expect((await cli.run('cancel', id)).code).toBe(0)
  expect((await cli.run('wait', id, '--timeout', '15s')).code).toBe(3)
  expect(await cli.run('cancel', id)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^batchwright: [^\n]+\n$/),
  })
})

test('a refused key pauses the job: exit 5, why, and what to do', async () => {
  await simulatorControl(stack.simulator.url).addFault('files.create:status:status=401,times=always')
  const { code, stdout, stderr } = await cli.run(
    'submit',
    cli.writeLines('auth.jsonl', neutralItems(2)),
    ...target,
    '--wait',
    '--timeout',
    '15s',
  )
  expect(code, stderr).toBe(5)
  const id = stdout.trim()
  expect(stderr).toMatch(/paused +auth: openai refused the API key/)
  expect(stderr).toContain(`batchwright resume ${id}`)
  await simulatorControl(stack.simulator.url).clearFaults()
  expect((await cli.run('resume', id)).code).toBe(0)
  expect((await cli.run('wait', id, '--timeout', '15s')).code).toBe(0)
})

test('following prints each answer once, and ends with the job', async () => {
  await simulatorControl(stack.simulator.url).setOptions({ duration_ms: 500 })
  const id = await submitted(
    cli.writeLines(
      'follow.jsonl',
      neutralItems(5, (index) => (index === 2 ? 'Say. [[simulate:transient times=1]]' : `Say ${index}.`)),
    ),
  )
  const { code, stdout, stderr } = await cli.run('results', id, '--follow')
  expect(code, stderr).toBe(0)
  const seqs = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq)
  expect(seqs.toSorted((left, right) => left - right)).toEqual([1, 2, 3, 4, 5])
})

test('whoever closes the pipe early ends it without an error', async () => {
  const id = await submitted(cli.writeLines('pipe.jsonl', neutralItems(50)))
  await cli.run('wait', id)
  const { child, ended } = cli.start(['results', id])
  child.stdout?.destroy()
  const { code, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})
