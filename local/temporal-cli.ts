import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { BatchwrightError, describeError } from '../core/errors.ts'
import { runToEnd } from './run-to-end.ts'
import { buildTemporalCli } from './temporal-build.ts'
import { cachedTemporalClis } from './temporal-cache.ts'
import { downloadTemporalCli } from './temporal-download.ts'

export type TemporalCli = { source: 'BATCHWRIGHT_TEMPORAL_CLI' | 'PATH' | 'cache' | 'download' | 'build'; path: string }

/** A server that runs elsewhere, or the CLI to start one with. */
export type TemporalLocation = { source: 'TEMPORAL_ADDRESS'; address: string } | TemporalCli

export type FindTemporalOptions = {
  env?: NodeJS.ProcessEnv
  /** Told which one is used, and what takes long. */
  notice?: (line: string) => void
  signal?: AbortSignal | undefined
  /** For tests of the order: the two steps that need a network. Each returns the path of the CLI or throws. */
  download?: typeof downloadTemporalCli
  build?: typeof buildTemporalCli
}

/**
 * Where Temporal is: the server at `TEMPORAL_ADDRESS`, and nothing is to be started; else the CLI that `findTemporalCli` finds.
 */
export async function findTemporal(options: FindTemporalOptions = {}): Promise<TemporalLocation> {
  const { env = process.env, notice } = options
  const address = env['TEMPORAL_ADDRESS']
  if (!address) return findTemporalCli(options)
  notice?.(`Temporal: ${address} (from TEMPORAL_ADDRESS)`)
  return { source: 'TEMPORAL_ADDRESS', address }
}

/**
 * Looks for the Temporal CLI in this order: `BATCHWRIGHT_TEMPORAL_CLI`, `temporal` on PATH, our cache, the download of Temporal's own
 * SDK, a build from source by the module in `tools/temporal/`. One that does not run is passed over, except the one that was asked for
 * by name. Throws `temporal_cli_unusable` and `temporal_cli_not_found`.
 */
export async function findTemporalCli(options: FindTemporalOptions = {}): Promise<TemporalCli> {
  const { env = process.env, notice = () => undefined, signal } = options
  const use = (cli: TemporalCli): TemporalCli => {
    notice(`Temporal: ${cli.path} (${describeSource(cli.source)})`)
    return cli
  }

  const named = env['BATCHWRIGHT_TEMPORAL_CLI']
  if (named) {
    const fault = await tryCli(named)
    if (fault === undefined) return use({ source: 'BATCHWRIGHT_TEMPORAL_CLI', path: named })
    throw new BatchwrightError(
      'temporal_cli_unusable',
      `BATCHWRIGHT_TEMPORAL_CLI is ${named}, which is no working Temporal CLI: ${fault}`,
    )
  }

  const faults: string[] = []
  const onPath = executablesOnPath('temporal', env['PATH'] ?? '')
  if (onPath.length === 0) faults.push('no temporal on PATH')
  for (const [source, candidates] of [['PATH', onPath] as const, ['cache', cachedTemporalClis(env)] as const]) {
    for (const path of candidates) {
      const fault = await tryCli(path)
      if (fault === undefined) return use({ source, path })
      faults.push(`${path} does not work (${fault})`)
    }
  }

  const { download = downloadTemporalCli, build = buildTemporalCli } = options
  for (const [source, obtain] of [['download', download] as const, ['build', build] as const]) {
    try {
      return use({ source, path: await obtain({ env, notice, signal }) })
    } catch (error) {
      signal?.throwIfAborted()
      faults.push(`${source}: ${describeError(error)}`)
    }
  }
  throw new BatchwrightError(
    'temporal_cli_not_found',
    `No Temporal CLI found: ${faults.join('; ')}. Install Go 1.25 or newer, or the Temporal CLI as \`temporal\` on PATH, or set BATCHWRIGHT_TEMPORAL_CLI to it, or TEMPORAL_ADDRESS to a running server`,
  )
}

function describeSource(source: TemporalCli['source']): string {
  switch (source) {
    case 'BATCHWRIGHT_TEMPORAL_CLI':
      return `from ${source}`
    case 'PATH':
      return 'on PATH'
    case 'cache':
      return 'from the cache'
    case 'download':
      return 'downloaded by the Temporal SDK'
    case 'build':
      return 'built from source'
    default:
      return source satisfies never
  }
}

function executablesOnPath(name: string, searchPath: string): string[] {
  return searchPath
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, name))
    .filter(isExecutableFile)
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** `undefined` if it is a Temporal CLI that runs here, else what is wrong with it. */
async function tryCli(path: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await runToEnd(path, ['--version'], { timeoutMs: 20_000 })
  if (code !== 0) return stderr.trim() || `exit code ${code}`
  return stdout.includes('temporal version') ? undefined : `"--version" says "${stdout.trim().slice(0, 80)}"`
}
