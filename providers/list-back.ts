import { z } from 'zod'
import { parseAnswer } from './parse-answer.ts'
import { ProviderError, type ProviderBatch } from './provider.ts'

export interface BatchPage {
  readonly batches: readonly ProviderBatch[]
  /** What the next page is asked for with; null: there is none. */
  readonly next: string | null
}

const listPage = z.object({ data: z.array(z.unknown()), has_more: z.boolean() })

/** A page in the form that OpenAI and Anthropic share: the last id of one page leads to the next. */
export function toPage(answer: unknown, toBatch: (value: unknown, call: string) => ProviderBatch): BatchPage {
  const page = parseAnswer(listPage, answer, 'list batches', 'a list')
  const batches = page.data.map((batch) => toBatch(batch, 'list batches'))
  return { batches, next: page.has_more ? (batches.at(-1)?.id ?? '') : null }
}

/** Batches of one page. */
export const pageSize = 100

/** Providers stamp batches by their own clock, some in whole seconds; `since` is ours. */
const clockToleranceMs = 5 * 60_000

/**
 * Newest first, as the providers list them, until a whole page is older than `since`. The pages are followed here and not by an SDK: a list that is read
 * halfway would let us conclude that a batch does not exist, and pay for it twice. `readPage` throws for a page that can't be read.
 */
export async function* listBack(
  since: Date,
  readPage: (after: string | null) => Promise<BatchPage>,
): AsyncGenerator<ProviderBatch> {
  const oldest = since.getTime() - clockToleranceMs
  let after: string | null = null
  for (;;) {
    const page = await readPage(after)
    yield* page.batches
    // An empty page is not the end, nor is it old.
    const isOld = page.batches.length > 0 && page.batches.every((batch) => batch.createdAt.getTime() < oldest)
    if (page.next === null || isOld) return
    if (page.next === '' || page.next === after) {
      throw new ProviderError('list batches: the list says that it goes on, but gives nothing to go on from', {
        kind: 'transient',
        code: 'list_incomplete',
      })
    }
    after = page.next
  }
}
