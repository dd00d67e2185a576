import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { formatItemId } from '../core/item-id.ts'
import { BatchwrightError, describeError } from '../core/errors.ts'
import { readBatchItems } from '../db/batches.ts'
import { listEarlierAttempts } from '../db/outcomes.ts'
import { parseInputLine } from '../formats/input-line.ts'
import type { JobDefaults } from '../formats/rendering.ts'
import type { Provider } from '../providers/provider.ts'
import type { ActivityDependencies, Logger } from './dependencies.ts'
import type { BatchContext } from './batch-context.ts'
import { createLineFile } from './line-file.ts'
import { revisionAfter } from './revision.ts'

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
 * Writes the provider's own lines of a batch to a file: read in pages, no connection held while writing, no more than two pages in memory.
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
  const file = await createLineFile(path)
  const refused: Array<{ seq: number; reason: string }> = []
  try {
    for await (const page of readBatchItems(database.sql, batch)) {
      signal.throwIfAborted()
      const attempts = await listEarlierAttempts(
        database.sql,
        batch,
        page.map((item) => item.seq),
      )
      for (const item of page) {
        let line: string
        try {
          const request = parseInputLine(item.line.toString(), item.seq).request
          line = provider.line(
            formatItemId(token, item.seq),
            provider.render(request, defaults, revisionAfter(attempts.get(item.seq))),
          )
        } catch (error) {
          if (!(error instanceof BatchwrightError)) throw error
          refused.push({ seq: item.seq, reason: error.message })
          continue
        }
        const isFull = file.append(line)
        if (isFull !== undefined) await isFull
      }
    }
    const hash = await file.finish()
    return { path, lines: file.lines, bytes: file.bytes, hash, refused, remove: () => rm(path, { force: true }) }
  } catch (error) {
    await file.discard()
    throw error
  }
}

/**
 * A spool file is written and uploaded by one activity, which runs for six hours at most: one that nobody has written to for this long was left by a
 * process that was killed. Workers of one machine share the directory.
 */
const abandonedAfterMs = 24 * 3_600_000
/** The names that `spoolBatch` gives, so that nothing else is ever removed. */
const spoolName = /^[0-9a-z]{16}\.jsonl$/

/** Removes spool files that were left behind, which may be large. Best effort; returns how many. */
export async function removeAbandonedSpools(directory: string, logger: Logger): Promise<number> {
  let removed = 0
  try {
    for (const name of await readdir(directory)) {
      if (!spoolName.test(name)) continue
      const path = join(directory, name)
      // Another worker may have removed it meanwhile.
      const found = await stat(path).catch(() => null)
      if (found === null || Date.now() - found.mtimeMs < abandonedAfterMs) continue
      await rm(path, { force: true })
      removed += 1
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      logger.warn({ directory, error: describeError(error) }, 'spool files that were left behind could not be removed')
  }
  return removed
}
