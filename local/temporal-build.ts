import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { BatchwrightError } from '../core/errors.ts'
import { formatDuration } from '../core/durations.ts'
import { packageRoot } from './package-root.ts'
import { runToEnd } from './run-to-end.ts'
import { builtCliPath, moveIntoCache, unfinishedPath } from './temporal-cache.ts'

export type ObtainOptions = { env: NodeJS.ProcessEnv; notice: (line: string) => void; signal?: AbortSignal | undefined }

const progressIntervalMs = 30_000

/**
 * Builds the Temporal CLI that `tools/temporal/go.mod` pins, with the Go toolchain on PATH, and keeps it in the cache. Takes about 3
 * minutes on 2 cores. Returns its path. Throws `go_missing` and `temporal_build_failed`.
 */
export async function buildTemporalCli({ env, notice, signal }: ObtainOptions): Promise<string> {
  // Not our workspace's business, not our version control's, and no C compiler needed.
  const goEnvironment = { ...env, GOWORK: 'off', CGO_ENABLED: '0' }
  const module = join(packageRoot(), 'tools', 'temporal')
  const go = await runToEnd('go', ['version'], { env: goEnvironment, cwd: module, timeoutMs: 120_000, signal })
  if (go.code !== 0) {
    throw new BatchwrightError(
      'go_missing',
      go.code === null ? 'Go is not installed' : `Go does not work here: ${go.stderr.trim()}`,
    )
  }

  notice('building Temporal from source, about 3 minutes, once')
  const startedAt = performance.now()
  const progress = setInterval(() => {
    notice(`still building Temporal (${formatDuration(performance.now() - startedAt)})`)
  }, progressIntervalMs)
  const target = builtCliPath(env)
  const output = unfinishedPath(target, env)
  try {
    const build = await runToEnd(
      'go',
      [
        'build',
        '-mod=readonly',
        '-buildvcs=false',
        '-trimpath',
        '-ldflags',
        '-s -w',
        '-o',
        output,
        'github.com/temporalio/cli/cmd/temporal',
      ],
      { env: goEnvironment, cwd: module, signal },
    )
    signal?.throwIfAborted()
    if (build.code !== 0) {
      throw new BatchwrightError(
        'temporal_build_failed',
        `go build failed: ${build.stderr.trim().split('\n').slice(-3).join(' ')}`,
      )
    }
    return moveIntoCache(output, target)
  } finally {
    clearInterval(progress)
    rmSync(output, { force: true })
  }
}
