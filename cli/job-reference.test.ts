import { afterEach, beforeEach, expect, test } from 'vitest'
import { Batchwright, type Job } from '../client/batchwright.ts'
import { answerJson, exampleJob, startScriptedServer } from '../client/testing/scripted-server.ts'
import { findJob, oneOf } from './job-reference.ts'

const jobs = [
  exampleJob({ id: 'k7m2x9qd4hta', name: 'reviews' }),
  exampleJob({ id: 'k7abcdefghjk', name: 'nightly' }),
  exampleJob({ id: 'zzabcdefghjk', name: 'nightly' }),
  exampleJob({ id: 'qqabcdefghjk', name: 'zz' }),
  exampleJob({ id: 'wwabcdefghjk', name: 'abcdefghjkmn' }),
]

let server: Awaited<ReturnType<typeof startScriptedServer>>
beforeEach(async () => {
  server = await startScriptedServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    if (url.pathname === '/v1/jobs') {
      const [name, prefix] = [url.searchParams.get('name'), url.searchParams.get('id_prefix')]
      const data = jobs.filter((job) => (name !== null && job.name === name) || (prefix !== null && job.id.startsWith(prefix)))
      answerJson(response, { data, next_cursor: null })
      return
    }
    const job = jobs.find(({ id }) => url.pathname === `/v1/jobs/${id}`)
    if (job === undefined) answerJson(response, { code: 'job_not_found', detail: 'there is no such job' }, 404)
    else answerJson(response, job)
  })
})
afterEach(async () => await server.close())

async function find(reference: string): Promise<Job> {
  return await findJob(new Batchwright({ url: server.url }), reference)
}

test.for([
  ['its id', 'k7m2x9qd4hta', 'k7m2x9qd4hta'],
  ['a beginning that no other id has', 'k7m', 'k7m2x9qd4hta'],
  ['its name', 'reviews', 'k7m2x9qd4hta'],
  ['a name that looks like an id', 'abcdefghjkmn', 'wwabcdefghjk'],
  ['its workflow id', 'job-k7m2x9qd4hta', 'k7m2x9qd4hta'],
  ['the workflow id of a batch of it', 'job-k7m2x9qd4hta-batch-3', 'k7m2x9qd4hta'],
] as const)('a job is named by %s', async ([, reference, id]) => {
  expect((await find(reference)).id).toBe(id)
})

test.for([
  [
    'several ids begin with it',
    'k7',
    /"k7" names more than one job: k7m2x9qd4hta \(reviews, in_progress, .* ago\), k7abcdefghjk \(nightly/,
  ],
  ['several jobs have the name', 'nightly', /"nightly" names more than one job/],
  ['one has it as name, another one as beginning of its id', 'zz', /"zz" names more than one job/],
] as const)('where %s, all are listed on one line', async ([, reference, message]) => {
  const error: unknown = await find(reference).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'ambiguous_job', message: expect.stringMatching(message) })
  expect((error as Error).message).not.toContain('\n')
})

test('an unknown job is said to be none', async () => {
  await expect(find('nonsense/../x')).rejects.toMatchObject({ code: 'job_not_found' })
  await expect(find('k7m2x9qd4htb')).rejects.toMatchObject({
    code: 'job_not_found',
    message: expect.stringContaining('k7m2x9qd4htb'),
  })
})

test('of very many candidates five are listed', () => {
  const many = Array.from({ length: 6 }, (_, index) => exampleJob({ id: `k7abcdefghj${index + 2}` }))
  expect(() => oneOf('k7', many, Date.now())).toThrow(/k7abcdefghj6 \([^)]*\), …; give more of the id/)
})
