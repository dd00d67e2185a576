import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf, createTestApi, jsonLines, testModel as model, type TestApi } from '../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api.close())

const content = (changes: object) => JSON.stringify({ text: null, output: null, toolCalls: [], embedding: null, ...changes })

async function jobOf(
  ids: readonly string[],
  answers: ReadonlyArray<[status: string, answer: string | null] | null>,
): Promise<string> {
  const { id } = await answerOf(api.upload(jsonLines(...ids.map((custom_id) => ({ custom_id, prompt: 'x' }))), { model }))
  for (const [index, outcome] of answers.entries()) {
    if (outcome === null) continue
    await api.test.database
      .sql`insert into outcomes (job_id, seq, status, answer, attempts) values (${id}, ${index + 1}, ${outcome[0]}, ${outcome[1]}, 1)`
  }
  return id as string
}

test('items are matched by their ids, whatever their order; agreement is that of the answers', async () => {
  const first = await jobOf(
    ['same', 'json', 'calls', 'text', 'failed', 'open', 'mine'],
    [
      ['succeeded', content({ text: ' yes\n' })],
      ['succeeded', content({ text: '{"a":1,"b":[2]}', output: { a: 1, b: [2] } })],
      ['succeeded', content({ toolCalls: [{ id: 'c1', name: 'f', arguments: '{}' }] })],
      ['succeeded', content({ text: 'left' })],
      ['failed', null],
      null,
      ['succeeded', content({ text: 'x' })],
    ],
  )
  const second = await jobOf(
    ['yours', 'open', 'failed', 'text', 'calls', 'json', 'same'],
    [
      null,
      null,
      ['succeeded', content({ text: 'well' })],
      ['succeeded', content({ text: 'right' })],
      ['succeeded', content({ toolCalls: [{ id: 'c2', name: 'f', arguments: '{}' }] })],
      ['succeeded', content({ text: '```{"b":[2],"a":1}```', output: { b: [2], a: 1 } })],
      ['succeeded', content({ text: 'yes' })],
    ],
  )
  const comparison = await answerOf(api.request(`/v1/jobs/${first}/compare/${second}`))
  expect(comparison).toMatchObject({
    first: { id: first, items: 7 },
    second: { id: second, items: 7 },
    common: 6,
    only_first: 1,
    only_second: 1,
    both_succeeded: 4,
    agreed: 3,
    agreement: 0.75,
    only_first_succeeded: 0,
    only_second_succeeded: 1,
    differences: [
      { custom_id: 'text', first: { status: 'succeeded', text: 'left' }, second: { status: 'succeeded', text: 'right' } },
      { custom_id: 'failed', first: { status: 'failed', text: null }, second: { text: 'well' } },
    ],
  })
})

test('more items than a page, and a job that is not there', async () => {
  const ids = Array.from({ length: 450 }, (_, index) => `i${index}`)
  const yes = ids.map((): [string, string] => ['succeeded', content({ text: 'yes' })])
  const [first, second] = [
    await jobOf(ids, yes),
    await jobOf(ids.toReversed(), yes.with(7, ['succeeded', content({ text: 'no' })])),
  ]
  expect(await answerOf(api.request(`/v1/jobs/${first}/compare/${second}`))).toMatchObject({
    both_succeeded: 450,
    agreed: 449,
    differences: [{ custom_id: 'i442' }],
  })
  expect((await api.request(`/v1/jobs/${first}/compare/zzzzzzzzzzzz`)).status).toBe(404)
})
