import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { BatchwrightError } from '../core/errors.ts'
import { modulePath } from './package-root.ts'
import { pollUntil } from './poll-until.ts'
import { runToEnd } from './run-to-end.ts'
import type { ObtainOptions } from './temporal-build.ts'
import { downloadedCliPath, moveIntoCache, unfinishedPath } from './temporal-cache.ts'

const connectDeadlineMs = 10_000
const downloadDeadlineMs = 300_000

/**
 * Lets Temporal's own SDK download the CLI that fits it, and keeps it in the cache. Returns its path. Gives up when the download
 * has not begun after 10 s, as on a machine without internet. Throws `temporal_download_failed`.
 */
export async function downloadTemporalCli({ env, notice, signal }: ObtainOptions): Promise<string> {
  const target = downloadedCliPath(env)
  const directory = unfinishedPath(target, env)
  mkdirSync(directory)
  const ended = new AbortController()
  const enough = AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])])
  // A process of its own: the SDK can neither be told to stop nor to only download, so it is ended, with the server it starts.
  let outcome: string | undefined
  const sdk = runToEnd(process.execPath, [modulePath('./temporal-download-process'), directory], { env, signal: enough }).then(
    (result) => {
      outcome = result.stderr.trim().split('\n').at(-1) || `exit code ${result.code}`
    },
  )
  try {
    const begun = await pollUntil(() => (readdirSync(directory).length > 0 || outcome !== undefined ? true : undefined), {
      deadlineMs: connectDeadlineMs,
      signal,
    })
    if (begun === undefined)
      throw new BatchwrightError('temporal_download_failed', `no connection within ${connectDeadlineMs / 1000} s`)
    if (outcome === undefined) notice('downloading the Temporal CLI, once')
    const finished = await pollUntil(
      () => {
        const file = readdirSync(directory).find((name) => !name.endsWith('.downloading'))
        return file ?? (outcome === undefined ? undefined : null)
      },
      { deadlineMs: downloadDeadlineMs, intervalMs: 200, signal },
    )
    if (finished === null || finished === undefined) {
      throw new BatchwrightError(
        'temporal_download_failed',
        outcome ?? `not finished within ${downloadDeadlineMs / 60_000} minutes`,
      )
    }
    return moveIntoCache(join(directory, finished), target)
  } finally {
    ended.abort()
    await sdk
    rmSync(directory, { recursive: true, force: true })
  }
}
