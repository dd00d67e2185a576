import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { formatItemId } from '../core/item-id.ts'
import { BatchwrightError } from '../core/errors.ts'
import { readBatchItems } from '../db/batches.ts'
import { listEarlierAttempts, type EarlierAttempt } from '../db/outcomes.ts'
import type { AnswerContent, AnswerError } from '../formats/canonical-answer.ts'
import { cleanableParameter } from '../formats/cleanable-parameter.ts'
import { parseInputLine } from '../formats/input-line.ts'
import type { JobDefaults, Revision } from '../formats/rendering.ts'
import type { Provider } from '../providers/provider.ts'
import type { ActivityDependencies } from './dependencies.ts'
import type { BatchContext } from './batch-context.ts'

export interface Spool {
  readonly path: string
  readonly lines: number
  readonly bytes: number
  /** SHA-256 of the file: the request hash of its submissions. */
  readonly hash: string
  /** Items that this model can't take (a fallback model, say), with the reason; they are not in the file. */
  readonly refused: ReadonlyArray<{ seq: number; reason: string }>
  remove(): Promise<void>
}

/**
 * Writes the provider's own lines of a batch to a file: read in pages, no connection held while writing, no more than a page in memory.
 * The ids in it carry `token`.
 */
export async function spoolBatch(
  { database, settings }: ActivityDependencies,
  { batch }: BatchContext,
  provider: Provider,
  defaults: JobDefaults,
  token: string,
  signal: AbortSignal,
): Promise<Spool> {
  await mkdir(settings.spoolDirectory, { recursive: true, mode: 0o700 })
  const path = join(settings.spoolDirectory, `${token}.jsonl`)
  const file = createWriteStream(path, { mode: 0o600, highWaterMark: 1 << 20 })
  const hash = createHash('sha256')
  const refused: Array<{ seq: number; reason: string }> = []
  let lines = 0
  let bytes = 0
  try {
    for await (const page of readBatchItems(database.sql, batch)) {
      signal.throwIfAborted()
      const attempts = await listEarlierAttempts(
        database.sql,
        batch,
        page.map((item) => item.seq),
      )
      const rendered: string[] = []
      for (const item of page) {
        try {
          const request = parseInputLine(item.line, item.seq).request
          const line = provider.render(request, defaults, revisionAfter(attempts.get(item.seq)))
          rendered.push(provider.line(formatItemId(token, item.seq), line))
        } catch (error) {
          if (!(error instanceof BatchwrightError)) throw error
          refused.push({ seq: item.seq, reason: error.message })
        }
      }
      if (rendered.length === 0) continue
      const chunk = Buffer.from(`${rendered.join('\n')}\n`)
      lines += rendered.length
      bytes += chunk.length
      hash.update(chunk)
      if (!file.write(chunk)) await once(file, 'drain')
    }
    file.end()
    await finished(file)
  } catch (error) {
    file.destroy()
    await rm(path, { force: true })
    throw error
  }
  return { path, lines, bytes, hash: hash.digest('hex'), refused, remove: () => rm(path, { force: true }) }
}

/** What an item's earlier attempts change in its next sending. */
function revisionAfter(attempts: readonly EarlierAttempt[] | undefined): Revision | undefined {
  if (attempts === undefined || attempts.length === 0) return undefined
  const rejected = attempts.findLast((attempt) => attempt.errorClass === 'invalid_output')
  const refused = attempts.findLast((attempt) => attempt.errorClass === 'invalid_request')
  const errorOf = (attempt: EarlierAttempt) => JSON.parse(attempt.error) as AnswerError
  const answer = rejected?.answer == null ? null : (JSON.parse(rejected.answer) as AnswerContent)
  return {
    doubleMaxTokens: attempts.some((attempt) => attempt.errorClass === 'truncated'),
    rejectedAnswer:
      rejected === undefined || answer?.text == null ? null : { text: answer.text, reason: errorOf(rejected).message },
    removedParameter: refused === undefined ? null : cleanableParameter(errorOf(refused)),
  }
}
