import type { BilledRequest } from './books.ts'
import type { BooksSummary } from './books-summary.ts'
import type { z } from 'zod'
import type { httpFaultSchema } from './http-faults.ts'
import type { runtimeOptionsSchema } from './options.ts'

/** The control endpoint of a running simulator, in this process or another one. */
export interface SimulatorControl {
  /** `realtime`: realtime calls among the create calls, too. */
  books(options?: { realtime?: boolean }): Promise<BooksSummary>
  /** Executed requests, one at a time. */
  requests(): AsyncGenerator<BilledRequest>
  /** A fault as text (`batches.create:refuse:times=2`) or as a rule. */
  addFault(fault: string | z.input<typeof httpFaultSchema>): Promise<void>
  /** Removes HTTP and item faults; quirks are options. */
  clearFaults(): Promise<void>
  setOptions(patch: Partial<z.input<typeof runtimeOptionsSchema>>): Promise<void>
  /**
   * Makes batches of somebody else that look like the one of `batch_id` (same key, same number of requests, same minute), or like a batch of so many
   * `requests` that a `key` makes now. Resolves to their ids.
   */
  makeLookAlikes(wanted: {
    provider?: string
    count?: number
    batch_id?: string
    key?: string
    requests?: number
  }): Promise<string[]>
  /** Lets held calls go: answered, or cut off. Resolves to how many there were. */
  release(route?: string, answer?: boolean): Promise<number>
}

/** Throws an Error with the simulator's message when it refuses something. */
export function simulatorControl(url: string): SimulatorControl {
  const call = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const init =
      body === undefined ? { method } : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const response = await fetch(`${url}/_simulator/${path}`, init)
    if (!response.ok) throw new Error(`simulator: ${method} ${path}: ${await response.text()}`)
    return response
  }
  return {
    books: async ({ realtime = false } = {}) => (await (await call('GET', `books?realtime=${realtime}`)).json()) as BooksSummary,
    async *requests() {
      const response = await call('GET', 'books/requests')
      let rest = ''
      for await (const text of (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) yield JSON.parse(line) as BilledRequest
      }
    },
    async addFault(fault) {
      await call('POST', 'faults', typeof fault === 'string' ? { fault } : fault)
    },
    async clearFaults() {
      await call('DELETE', 'faults')
    },
    async setOptions(patch) {
      await call('POST', 'options', patch)
    },
    async makeLookAlikes(wanted) {
      return ((await (await call('POST', 'look-alikes', wanted)).json()) as { batch_ids: string[] }).batch_ids
    },
    async release(route, answer = true) {
      const reply = (await (await call('POST', 'release', { route: route ?? null, answer })).json()) as { released: number }
      return reply.released
    },
  }
}
