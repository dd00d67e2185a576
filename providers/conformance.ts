import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ErrorClass } from '../core/error-classes.ts'
import { parseItemId } from '../core/item-id.ts'
import type { ProviderResult } from '../formats/canonical-answer.ts'
import { conformanceBatches } from './conformance-batches.ts'
import type { ConformanceSubject } from './conformance-subject.ts'
import { ProviderError } from './provider.ts'

/** What differs between providers. */
export interface ConformanceTraits {
  /** Batches are made of an uploaded file, and leave files behind. Otherwise they are made of the requests themselves. */
  readonly files: boolean
  /** Result files can be deleted. */
  readonly deletesResults: boolean
  /** What was finished when a batch expires is kept. */
  readonly keepsPartOfExpired: boolean
  /** What was finished when a batch is cancelled is kept. */
  readonly keepsPartOfCancelled: boolean
  /** Too much in the queue: the batch is created, and fails; or it is not created, and that is worth a wait. */
  readonly fullQueue: {
    readonly options: Record<string, unknown>
    readonly ends: 'failed_batch' | 'rate_limited'
    /** What else is known of the failure. */
    readonly error?: Record<string, unknown>
  }
  /** Options of the simulator with which one batch can be created, and the next is refused for now. */
  readonly oneCreate?: Readonly<Record<string, unknown>>
  /** The simulator's name for the call that downloads results, line by line; null: they come as a whole. */
  readonly resultsRoute: string | null
  /** The simulator's name for an item that got no answer at all. */
  readonly unanswered: string
  /** The class of a question that is not answered for what is in it. */
  readonly refused?: ErrorClass
}

/** The cases that every provider must pass, against its simulator through its real SDK. */
export function describeProviderConformance(
  name: string,
  traits: ConformanceTraits,
  start: () => Promise<ConformanceSubject>,
): void {
  describe(`${name}: provider conformance`, () => {
    let subject: ConformanceSubject
    let directory: string
    const signal = AbortSignal.timeout(10 * 60_000)

    beforeEach(async () => {
      subject = await start()
      directory = await mkdtemp(join(tmpdir(), 'batchwright-conformance-'))
    })
    afterEach(async () => {
      await subject.close()
      await rm(directory, { recursive: true, force: true })
    })

    const { defaults, prompt, upload, create, waitForEnd, run, listed } = conformanceBatches(
      () => ({ subject, directory }),
      signal,
    )

    test('each line of a batch comes back once, under its own id, in whatever order', async () => {
      const { batch, results } = await run(tokenOf('a'), prompts(40))
      expect(batch.status).toBe('completed')
      expect(batch.endedAt).toBeInstanceOf(Date)
      expect(batch.expiresAt?.getTime()).toBeGreaterThan(batch.createdAt.getTime())
      expect(sequences(results, tokenOf('a'))).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
      for (const { answer } of results) {
        expect(answer.error).toBeNull()
        expect(answer.content?.text).toMatch(/./)
        expect(answer.usage.input).toBeGreaterThan(0)
        expect(answer.usage.output).toBeGreaterThan(0)
      }
    })

    test('items that fail come back with their class beside those that succeed', async () => {
      const { batch, results } = await run(tokenOf('b'), [
        'Fine.',
        'Fails. [[simulate:transient]]',
        'Limited. [[simulate:rate_limited]]',
        'Wrong. [[simulate:invalid_request]]',
        'Cut. [[simulate:truncated]]',
        'Refused. [[simulate:refusal]]',
        `Nothing. [[simulate:${traits.unanswered}]]`,
      ])
      expect(batch.status).toBe('completed')
      const classes = new Map(
        results.map((result) => [parseItemId(result.itemId ?? '', tokenOf('b')), result.answer.error?.class ?? null]),
      )
      expect(Object.fromEntries(classes)).toEqual({
        1: null,
        2: 'transient',
        3: 'rate_limited',
        4: 'invalid_request',
        5: 'truncated',
        6: traits.refused ?? 'refusal',
        7: 'transient',
      })
    })

    test('a request without a line is no reason to wait for ever: the others come', async () => {
      const source = await upload(tokenOf('m'), ['Here.', 'Lost. [[simulate:missing]]', 'Here as well.'])
      const batch = await waitForEnd((await create(source)).id)
      expect(batch.status).toBe('completed')
      // For a while the rest may still come, where nobody says how much it is.
      const read = async () => await Array.fromAsync(subject.provider.results(batch, signal))
      const results = await vi.waitFor(read, { timeout: 10_000, interval: 50 })
      expect(sequences(results, tokenOf('m'))).toEqual([1, 3])
    })

    const refusable = ['Fine.', 'Not taken. [[simulate:refused_line]]', 'Fine as well.']

    test.runIf(traits.files)('a batch of a file with a line that is not taken fails as a whole, for its input', async () => {
      const { batch, results } = await run(tokenOf('r'), refusable)
      expect(batch).toMatchObject({ status: 'failed', refusal: { kind: 'input' } })
      expect(batch.refusal?.message).toMatch(/./)
      expect(results).toEqual([])
    })

    test.runIf(!traits.files)('a create with a line that is not taken is refused as a whole, and made nothing', async () => {
      const failure = await failureOf(create(await upload(tokenOf('r'), refusable)))
      expect(failure).toMatchObject({ kind: 'invalid', certainlyNotApplied: true })
      expect(await subject.controls.createdBatches()).toBe(0)
    })

    test.runIf(traits.fullQueue.ends === 'failed_batch')('a batch that the queue has no room for fails as such', async () => {
      await subject.controls.setOptions(traits.fullQueue.options)
      const { batch, results } = await run(tokenOf('c'), prompts(3))
      expect(batch.status).toBe('failed')
      expect(batch.refusal?.kind).toBe('enqueued_tokens')
      expect(batch.refusal?.message).toMatch(/./)
      expect(results).toEqual([])
    })

    test.runIf(traits.fullQueue.ends === 'rate_limited')('a batch that the queue has no room for is not created', async () => {
      await subject.controls.setOptions(traits.fullQueue.options)
      const failure = await failureOf(create(await upload(tokenOf('c'), prompts(3))))
      expect(failure).toMatchObject({ kind: 'rate_limited', certainlyNotApplied: true, ...traits.fullQueue.error })
    })

    test.runIf(traits.oneCreate !== undefined)('a create beyond what may be created for now is not applied', async () => {
      await subject.controls.setOptions(traits.oneCreate ?? {})
      const source = await upload(tokenOf('c'), prompts(1))
      await create(source)
      const failure = await failureOf(create(source))
      expect(failure).toMatchObject({ kind: 'rate_limited', certainlyNotApplied: true })
    })

    test('a batch that expires ends as expired, and each item is accounted for or missing', async () => {
      await subject.controls.setOptions({ curve: 'stalled', duration_ms: 300, window_ms: 900 })
      const { batch, results } = await run(tokenOf('d'), prompts(20))
      expect(batch.status).toBe('expired')
      const answered = results.filter((result) => result.answer.error === null)
      expect(answered.length > 0).toBe(traits.keepsPartOfExpired)
      expect(answered.length).toBeLessThan(20)
      const classes = new Set(results.flatMap((result) => result.answer.error?.class ?? []))
      expect([...classes].filter((errorClass) => errorClass !== 'expired')).toEqual([])
    })

    test('a batch cancelled midway keeps what was finished, or nothing, and cancelling again is no error', async () => {
      await subject.controls.setOptions({ duration_ms: 2_000 })
      const { id } = await create(await upload(tokenOf('e'), prompts(50)))
      await expect.poll(() => subject.controls.finishedRequests(), { timeout: 15_000, interval: 10 }).toBeGreaterThan(5)
      await subject.provider.cancel(id, signal)
      const batch = await waitForEnd(id)
      expect(batch.status).toBe('cancelled')
      await subject.provider.cancel(id, signal)
      const results = await Array.fromAsync(subject.provider.results(batch, signal))
      const answered = results.filter((result) => result.answer.error === null)
      expect(answered.length > 5).toBe(traits.keepsPartOfCancelled)
      expect(answered.length).toBeLessThan(50)
    })

    test('two batches that look alike keep their markers and their answers apart', async () => {
      const first = await create(await upload(tokenOf('f'), prompts(5)))
      const second = await create(await upload(tokenOf('g'), prompts(5)))
      expect(first.id).not.toBe(second.id)
      expect(new Set([first.marker, second.marker]).size).toBe(subject.provider.marker === null ? 1 : 2)
      const results = await Array.fromAsync(subject.provider.results(await waitForEnd(second.id), signal))
      expect(sequences(results, tokenOf('g'))).toEqual([1, 2, 3, 4, 5])
      expect(sequences(results, tokenOf('f'))).toEqual([0, 0, 0, 0, 0])
      const listedOnes = await listed()
      expect(new Set(listedOnes.map((batch) => batch.id))).toEqual(new Set([first.id, second.id]))
      expect(new Set(listedOnes.map((batch) => batch.marker))).toEqual(new Set([first.marker, second.marker]))
    })

    test('a batch without a marker is told by its count, from the start', async (context) => {
      if (subject.provider.marker !== null) context.skip()
      const batch = await create(await upload(tokenOf('u'), prompts(7)))
      expect(batch).toMatchObject({ marker: null, inputFileId: null, counts: { total: 7 } })
      expect((await listed()).map(({ counts }) => counts?.total)).toEqual([7])
    })

    test('the list is complete over many pages', async () => {
      const source = await upload(tokenOf('h'), ['One.'])
      const ids = []
      for (let index = 0; index < 230; index++) ids.push((await create(source)).id)
      const found = (await listed()).map((batch) => batch.id)
      expect(new Set(found)).toEqual(new Set(ids))
      expect(found.length).toBe(230)
    })

    test('a page of the list that can not be read is an error, not the end of the list', async () => {
      const source = await upload(tokenOf('i'), ['One.'])
      for (let index = 0; index < 105; index++) await create(source)
      await subject.controls.addFault('batches.list:status:status=500,skip=1')
      expect((await failureOf(listed())).kind).toBe('transient')
    })

    test('a create that was accepted and then lost is ambiguous, and is found in the list', async () => {
      const source = await upload(tokenOf('j'), prompts(2))
      await subject.controls.addFault('batches.create:accept_then_drop')
      const failure = await failureOf(create(source))
      expect(failure).toMatchObject({ kind: 'transient', certainlyNotApplied: false, httpStatus: null })
      expect(await listed()).toHaveLength(1)
      expect(await subject.controls.createdBatches()).toBe(1)
    })

    test.each([
      { status: 400, kind: 'invalid', certain: true },
      { status: 401, kind: 'auth', certain: true },
      { status: 403, kind: 'auth', certain: true },
      { status: 404, kind: 'not_found', certain: true },
      { status: 408, kind: 'transient', certain: false },
      { status: 409, kind: 'transient', certain: false },
      { status: 422, kind: 'invalid', certain: true },
      { status: 429, kind: 'rate_limited', certain: true },
      { status: 500, kind: 'transient', certain: false },
      { status: 503, kind: 'transient', certain: false },
    ])('a create answered with $status is $kind, and certainly not applied: $certain', async ({ status, kind, certain }) => {
      const source = await upload(tokenOf('k'), prompts(1))
      await subject.controls.addFault(`batches.create:status:status=${status},times=always`)
      expect(await failureOf(create(source))).toMatchObject({ kind, certainlyNotApplied: certain, httpStatus: status })
    })

    test('a create is sent once, whatever comes back', async () => {
      const source = await upload(tokenOf('l'), prompts(1))
      await subject.controls.addFault('batches.create:status:status=500')
      let sent = 0
      await failureOf(create(source, { beforeSend: () => (sent += 1) }))
      expect(sent).toBe(1)
      expect(await subject.controls.createdBatches()).toBe(0)
    })

    test('Retry-After comes through in milliseconds', async () => {
      const source = await upload(tokenOf('m'), prompts(1))
      await subject.controls.addFault('batches.create:status:status=429,retry_after=7')
      expect((await failureOf(create(source))).retryAfterMs).toBe(7_000)
    })

    test('a refused connection, an unknown host and a failed TLS handshake certainly created nothing', async () => {
      const { refused, unknownHost, noHandshake } = subject.broken
      const source = await upload(tokenOf('s'), prompts(1))
      for (const provider of [refused, unknownHost, noHandshake]) {
        expect(await failureOf(create(source, { provider }))).toMatchObject({
          kind: 'transient',
          certainlyNotApplied: true,
          httpStatus: null,
        })
      }
    })

    test('a connection that is cut while the call is under way is ambiguous', async () => {
      const source = await upload(tokenOf('n'), prompts(1))
      await subject.controls.addFault('batches.create:refuse')
      expect(await failureOf(create(source))).toMatchObject({ kind: 'transient', certainlyNotApplied: false })
    })

    test('a create that is aborted while it waits for its answer is ambiguous', async () => {
      const source = await upload(tokenOf('o'), prompts(1))
      await subject.controls.addFault('batches.create:hold')
      const failure = await failureOf(create(source, { signal: AbortSignal.timeout(300) }))
      expect(failure).toMatchObject({ kind: 'transient', certainlyNotApplied: false })
      expect(await subject.controls.createdBatches()).toBe(1)
    })

    test('nothing leaves when beforeSend throws, and its own error comes out', async () => {
      const source = await upload(tokenOf('p'), prompts(1))
      const late = new Error('the deadline has passed')
      await expect(
        create(source, {
          beforeSend: () => {
            throw late
          },
        }),
      ).rejects.toBe(late)
      expect(await subject.controls.createdBatches()).toBe(0)
    })

    test('a wrong key is an auth error everywhere', async () => {
      const { wrongKey } = subject.broken
      const source = await upload(tokenOf('t'), prompts(1))
      expect((await failureOf(create(source, { provider: wrongKey }))).kind).toBe('auth')
      expect((await failureOf(wrongKey.retrieve('batch_1', signal))).kind).toBe('auth')
      expect(wrongKey.keyFingerprint).not.toBe(subject.provider.keyFingerprint)
      expect(wrongKey.keyFingerprint).toMatch(/^[0-9a-f]{12}$/)
    })

    test('a batch that the provider does not know is not_found', async () => {
      expect(await failureOf(subject.provider.retrieve('batch_unknown', signal))).toMatchObject({
        kind: 'not_found',
        httpStatus: 404,
      })
    })

    test.skipIf(traits.resultsRoute === null)('a download that breaks off is incomplete, after the lines that came', async () => {
      const batch = await waitForEnd((await create(await upload(tokenOf('q'), prompts(30)))).id)
      await subject.controls.addFault(`${traits.resultsRoute}:truncate:after_bytes=5000`)
      const results: ProviderResult[] = []
      const failure = await failureOf(
        (async () => {
          for await (const result of subject.provider.results(batch, signal)) results.push(result)
        })(),
      )
      expect(failure.kind).toBe('incomplete')
      expect(results.length).toBeGreaterThan(0)
      expect(results.length).toBeLessThan(30)
      expect(await Array.fromAsync(subject.provider.results(batch, signal))).toHaveLength(30)
    })

    test('deleting files twice is no error', async () => {
      const { batch } = await run(tokenOf('r'), prompts(1))
      const files = [...batch.resultFileIds, ...(batch.inputFileId === null ? [] : [batch.inputFileId])]
      await subject.provider.deleteFiles(files, signal)
      await expect(subject.provider.deleteFiles(files, signal)).resolves.toBeUndefined()
    })

    test.runIf(traits.deletesResults)('results whose files are deleted are not found', async () => {
      const { batch } = await run(tokenOf('v'), prompts(1))
      await subject.provider.deleteFiles(batch.resultFileIds, signal)
      const failure = await failureOf(Array.fromAsync(subject.provider.results({ ...batch, endedAt: new Date(0) }, signal)))
      expect(failure.kind).toBe('not_found')
    })

    test('a realtime call gives the same kind of answer as a batch', async () => {
      const fine = await subject.provider.complete(subject.provider.render(prompt('Say yes.'), defaults()), signal)
      expect(fine).toMatchObject({ error: null, finishReason: 'stop' })
      const wrong = await subject.provider.complete(
        subject.provider.render(prompt('[[simulate:invalid_request]]'), defaults()),
        signal,
      )
      expect(wrong).toMatchObject({ content: null, error: { class: 'invalid_request', httpStatus: 400 } })
      const limited = subject.provider.complete(subject.provider.render(prompt('[[simulate:rate_limited]]'), defaults()), signal)
      expect((await failureOf(limited)).kind).toBe('rate_limited')
    })
  })
}

/** A token of the right length that names its test. */
function tokenOf(letter: string): string {
  return letter.repeat(16)
}

async function failureOf(promise: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ProviderError)
  return error as ProviderError
}

const prompts = (count: number): string[] => Array.from({ length: count }, (_, index) => `Say the number ${index + 1}.`)
const sequences = (results: readonly ProviderResult[], token: string): number[] =>
  results.map((result) => parseItemId(result.itemId ?? '', token) ?? 0).sort((left, right) => left - right)
