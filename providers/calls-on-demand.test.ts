import { expect, test } from 'vitest'
import { callsOnDemand } from './calls-on-demand.ts'
import type { CreateInput, ProviderBatch, ProviderCalls } from './provider.ts'

const input = (signal = new AbortController().signal): CreateInput => ({
  inputFileId: 'f',
  endpoint: '/v1/x',
  model: 'm',
  displayName: 'd',
  signal,
  beforeSend: () => undefined,
})

test('an SDK that can not be loaded has certainly sent nothing, and is tried again by the next call', async () => {
  let loads = 0
  const calls = callsOnDemand(() => {
    loads += 1
    return Promise.reject(new Error('no such file'))
  })
  const failure = { name: 'ProviderError', kind: 'transient', certainlyNotApplied: true, code: 'sdk_not_loaded' }
  await expect(calls.create(input())).rejects.toMatchObject(failure)
  await expect(Array.fromAsync(calls.list(new Date(), new AbortController().signal))).rejects.toMatchObject(failure)
  expect(loads).toBe(2)
})

test('a deadline that passed while it was loaded keeps the create from leaving', async () => {
  let created = 0
  const loaded = { create: () => Promise.resolve((created += 1)) } as unknown as ProviderCalls
  await expect(callsOnDemand(() => Promise.resolve(loaded)).create(input(AbortSignal.abort()))).rejects.toMatchObject({
    certainlyNotApplied: true,
  })
  expect(created).toBe(0)
})

test('a list ends with its reader, and is loaded once for all calls', async () => {
  let loads = 0
  let ended = false
  async function* list(): AsyncGenerator<ProviderBatch> {
    try {
      for (const id of ['a', 'b', 'c']) yield { id } as ProviderBatch
      await Promise.resolve()
    } finally {
      ended = true
    }
  }
  const calls = callsOnDemand(() => {
    loads += 1
    return Promise.resolve({ list } as unknown as ProviderCalls)
  })
  const seen: string[] = []
  for await (const { id } of calls.list(new Date(), new AbortController().signal)) {
    seen.push(id)
    if (id === 'b') break
  }
  expect({ seen, ended }).toEqual({ seen: ['a', 'b'], ended: true })
  await Array.fromAsync(calls.list(new Date(), new AbortController().signal))
  expect(loads).toBe(1)
})
