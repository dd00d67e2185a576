import { describeError } from '../core/errors.ts'
import { ProviderError, type ProviderCalls } from './provider.ts'

/**
 * Calls whose code, the provider's SDK among it, is loaded by the first of them: a process does without the 20 to 40 MB of each provider that it has no
 * job at. A failure to load it is a ProviderError like any other, of a call that certainly did not leave.
 */
export function callsOnDemand(load: () => Promise<ProviderCalls>): ProviderCalls {
  let loading: Promise<ProviderCalls> | null = null
  const calls = async (): Promise<ProviderCalls> => {
    loading ??= load()
    try {
      return await loading
    } catch (error) {
      // What Node could not read it tries again; what failed while it ran fails until the process is started again.
      loading = null
      throw new ProviderError(`the provider's SDK could not be loaded: ${describeError(error)}`, {
        kind: 'transient',
        code: 'sdk_not_loaded',
        certainlyNotApplied: true,
        cause: error,
      })
    }
  }
  return {
    upload: async (...input) => await (await calls()).upload(...input),
    async create(input) {
      const loaded = await calls()
      // Loading takes a moment, in which the deadline may have passed; an SDK would say that its request was aborted, which it may be anywhere on its way.
      if (input.signal.aborted)
        throw new ProviderError('the deadline for sending has passed', { kind: 'transient', certainlyNotApplied: true })
      return await loaded.create(input)
    },
    list: (...input) => iterateLater(async () => (await calls()).list(...input)),
    retrieve: async (...input) => await (await calls()).retrieve(...input),
    cancel: async (...input) => await (await calls()).cancel(...input),
    results: (...input) => iterateLater(async () => (await calls()).results(...input)),
    deleteFiles: async (...input) => await (await calls()).deleteFiles(...input),
    complete: async (...input) => await (await calls()).complete(...input),
  }
}

/** Not a generator, in which each element would wait for a turn more: there may be a million. Read one element after the other. */
function iterateLater<Element>(start: () => Promise<AsyncIterable<Element>>): AsyncIterable<Element> {
  return {
    [Symbol.asyncIterator]() {
      let iterator: AsyncIterator<Element> | null = null
      const started = async () => (iterator ??= (await start())[Symbol.asyncIterator]())
      return {
        next: () => (iterator === null ? started().then((it) => it.next()) : iterator.next()),
        return: async () => (await iterator?.return?.()) ?? { done: true, value: undefined },
      }
    },
  }
}
