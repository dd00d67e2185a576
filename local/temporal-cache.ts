import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

import { z } from 'zod'

import { packageRoot } from './package-root.ts'

/** Where what was downloaded or built is kept for every data directory: `${XDG_CACHE_HOME:-~/.cache}/batchwright`. */
export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'batchwright')
}

/** The version of the CLI that `tools/temporal/go.mod` pins, such as `v1.5.1`. */
export function pinnedTemporalVersion(): string {
  const goMod = readFileSync(join(packageRoot(), 'tools', 'temporal', 'go.mod'), 'utf8')
  return /^\s*github\.com\/temporalio\/cli (v\S+)/m.exec(goMod)?.[1] ?? 'unknown'
}

/** The file that a build of the pinned version is kept in. */
export function builtCliPath(env: NodeJS.ProcessEnv): string {
  return join(cacheDirectory(env), `temporal-${pinnedTemporalVersion()}-${process.platform}-${process.arch}`)
}

/** The file that the SDK's download is kept in; which server it brings depends on the version of the SDK. */
export function downloadedCliPath(env: NodeJS.ProcessEnv): string {
  const packageJson: unknown = createRequire(import.meta.url)('@temporalio/client/package.json')
  const { version } = z.object({ version: z.string() }).parse(packageJson)
  return join(cacheDirectory(env), `temporal-sdk-${version}-${process.platform}-${process.arch}`)
}

export function cachedTemporalClis(env: NodeJS.ProcessEnv): string[] {
  return [builtCliPath(env), downloadedCliPath(env)].filter((path) => existsSync(path))
}

/** A path beside `target` for a file or directory that is not finished yet. */
export function unfinishedPath(target: string, env: NodeJS.ProcessEnv): string {
  mkdirSync(cacheDirectory(env), { recursive: true })
  return `${target}.unfinished-${process.pid}-${randomBytes(3).toString('hex')}`
}

/** Puts a finished executable in its place in one step: another process sees none or all of it, and the last one wins. */
export function moveIntoCache(finished: string, target: string): string {
  chmodSync(finished, 0o755)
  renameSync(finished, target)
  return target
}
