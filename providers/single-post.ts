/** A `fetch` for one POST that must not be sent twice, and what `beforeSend` threw instead of letting it leave. */
export interface SinglePost {
  readonly fetch: typeof fetch
  /** What `beforeSend` threw is the caller's own, and says that nothing has left. */
  rethrowRefusal(): void
}

/**
 * The SDKs do asynchronous work before they call fetch, in which a deadline may pass: the check belongs here. No redirect is followed, which would be a
 * second POST: with `manual` it comes back as an answer, with `error` as a failure (see `unclonedBody`).
 */
export function createSinglePost(beforeSend: () => void, redirect: 'manual' | 'error'): SinglePost {
  let refusal: { readonly error: unknown } | null = null
  return {
    fetch: async (url, init) => {
      try {
        beforeSend()
      } catch (error) {
        refusal = { error }
        throw error
      }
      return await fetch(url, { ...init, redirect })
    },
    rethrowRefusal() {
      if (refusal !== null) throw refusal.error
    },
  }
}

/**
 * `fetch` clones a request before it sends it, in case it has to follow a redirect, and the clone keeps every byte that was sent: 200 MB of memory
 * for a full batch. It doesn't where no redirect is followed and no window could ask for credentials.
 * https://fetch.spec.whatwg.org/#http-network-or-cache-fetch, step 8.1
 */
export const unclonedBody = { redirect: 'error', window: null } as const
