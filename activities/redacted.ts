import { redactError, type Redact } from '../core/redaction.ts'
import type { BatchRefusal, Provider, ProviderBatch } from '../providers/provider.ts'
import type { ProviderRegistry } from '../providers/registry.ts'

/*
 * Providers quote parts of prompts and keys in what they say of a failure. It is redacted where it comes in, before anything makes a row, an event, a
 * detail or a log line of it; errors of items are redacted where they are judged (`judge.ts`), and what goes to Temporal at the door of the activities.
 */

/** Activities whose failures, and their causes, are redacted: Temporal stores and shows them. */
export function withRedactedFailures<Activities extends object>(activities: Activities, redact: Redact): Activities {
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    (input: unknown) => redacting(redact, () => (activity as Activity)(input)),
  ])
  return Object.fromEntries(wrapped) as Activities
}

type Activity = (input: unknown) => Promise<unknown>

/** The providers of a registry, whose errors and refusals are redacted. */
export function withRedactedProviders(registry: ProviderRegistry, redact: Redact): ProviderRegistry {
  const wrapped = new Map(
    registry.names().flatMap((name) => {
      const provider = registry.find(name)
      return provider === null ? [] : [[name, withRedactedErrors(provider, redact)] as const]
    }),
  )
  return { ...registry, find: (name) => wrapped.get(name) ?? null }
}

function withRedactedErrors(provider: Provider, redact: Redact): Provider {
  const batch = (seen: ProviderBatch): ProviderBatch =>
    seen.refusal === null ? seen : { ...seen, refusal: redactedRefusal(seen.refusal, redact) }
  return {
    ...provider,
    render(...input) {
      try {
        return provider.render(...input)
      } catch (error) {
        throw redactError(error, redact)
      }
    },
    upload: (input) => redacting(redact, () => provider.upload(input)),
    create: async (input) => batch(await redacting(redact, () => provider.create(input))),
    list: (...input) => redactingEach(redact, provider.list(...input)),
    retrieve: async (...input) => batch(await redacting(redact, () => provider.retrieve(...input))),
    cancel: (...input) => redacting(redact, () => provider.cancel(...input)),
    results: (...input) => redactingEach(redact, provider.results(...input)),
    deleteFiles: (...input) => redacting(redact, () => provider.deleteFiles(...input)),
    complete: (...input) => redacting(redact, () => provider.complete(...input)),
  }
}

function redactedRefusal(refusal: BatchRefusal, redact: Redact): BatchRefusal {
  return {
    ...refusal,
    message: redact(refusal.message),
    lines: refusal.lines.map((line) => ({ ...line, message: redact(line.message) })),
  }
}

async function redacting<Result>(redact: Redact, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw redactError(error, redact)
  }
}

/** Not a generator, in which each of a million elements would wait for some turns more. */
function redactingEach<Element>(redact: Redact, elements: AsyncIterable<Element>): AsyncIterable<Element> {
  const fail = (error: unknown): never => {
    throw redactError(error, redact)
  }
  return {
    [Symbol.asyncIterator]() {
      const iterator = elements[Symbol.asyncIterator]()
      return {
        next: () => iterator.next().catch(fail),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      }
    },
  }
}
