import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { BatchwrightError } from '../core/errors.ts'
import { buildTemporalCli } from './temporal-build.ts'
import { builtCliPath, downloadedCliPath, pinnedTemporalVersion } from './temporal-cache.ts'
import { type FindTemporalOptions, findTemporal, findTemporalCli } from './temporal-cli.ts'

let directory: string
let env: NodeJS.ProcessEnv
let asked: string[]
let notices: string[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-cli-'))
  env = { PATH: join(directory, 'bin'), XDG_CACHE_HOME: join(directory, 'cache') }
  asked = []
  notices = []
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

const working = 'echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"'

function executable(path: string, script: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

/** The two steps that need a network, recorded; each fails unless it is given a path. */
function options(results: { download?: string; build?: string } = {}): FindTemporalOptions {
  const step = (name: 'download' | 'build') => async (): Promise<string> => {
    asked.push(name)
    const path = results[name]
    if (path === undefined) throw new BatchwrightError('test', `${name} is not possible`)
    return path
  }
  return { env, notice: (line) => notices.push(line), download: step('download'), build: step('build') }
}

describe('where Temporal comes from', () => {
  test('each place is taken only if all before it have nothing', async () => {
    const built = join(directory, 'built')
    const downloaded = join(directory, 'downloaded')
    expect(await findTemporal(options({ build: built }))).toEqual({ source: 'build', path: built })
    expect(asked).toEqual(['download', 'build'])

    asked = []
    expect(await findTemporal(options({ build: built, download: downloaded }))).toEqual({ source: 'download', path: downloaded })
    expect(asked).toEqual(['download'])

    asked = []
    const cachedDownload = executable(downloadedCliPath(env), working)
    expect(await findTemporal(options())).toEqual({ source: 'cache', path: cachedDownload })
    const cachedBuild = executable(builtCliPath(env), working)
    expect(await findTemporal(options())).toEqual({ source: 'cache', path: cachedBuild })

    const onPath = executable(join(directory, 'bin', 'temporal'), working)
    expect(await findTemporal(options())).toEqual({ source: 'PATH', path: onPath })

    const named = executable(join(directory, 'named'), working)
    env = { ...env, BATCHWRIGHT_TEMPORAL_CLI: named }
    expect(await findTemporal(options())).toEqual({ source: 'BATCHWRIGHT_TEMPORAL_CLI', path: named })

    env = { ...env, TEMPORAL_ADDRESS: 'temporal.test:7233' }
    expect(await findTemporal(options())).toEqual({ source: 'TEMPORAL_ADDRESS', address: 'temporal.test:7233' })
    expect(asked).toEqual([])
  })

  test('which one is used is said', async () => {
    const onPath = executable(join(directory, 'bin', 'temporal'), working)
    await findTemporalCli(options())
    expect(notices).toEqual([`Temporal: ${onPath} (on PATH)`])
  })

  test('a program of that name on PATH that is no Temporal CLI, and a broken cached one, are passed over', async () => {
    executable(join(directory, 'bin', 'temporal'), 'echo "a clock, version 2"')
    executable(builtCliPath(env), 'exit 1')
    const built = join(directory, 'built')
    expect(await findTemporalCli(options({ build: built }))).toEqual({ source: 'build', path: built })
  })

  test('the one that was asked for by name is not passed over', async () => {
    executable(join(directory, 'bin', 'temporal'), working)
    env = { ...env, BATCHWRIGHT_TEMPORAL_CLI: join(directory, 'missing') }
    await expect(findTemporalCli(options())).rejects.toMatchObject({
      code: 'temporal_cli_unusable',
      message: expect.stringContaining(join(directory, 'missing')) as string,
    })
  })

  test('where nothing works, the error is one line with each reason and what to do', async () => {
    const error = await findTemporalCli(options()).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'temporal_cli_not_found' })
    const message = (error as BatchwrightError).message
    for (const part of [
      'no temporal on PATH',
      'download is not possible',
      'build is not possible',
      'Install Go',
      'TEMPORAL_ADDRESS',
    ]) {
      expect(message).toContain(part)
    }
    expect(message).not.toContain('\n')
  })
})

describe('building from source', () => {
  const obtain = () => buildTemporalCli({ env, notice: (line) => notices.push(line) })

  test('without Go it says so', async () => {
    await expect(obtain()).rejects.toMatchObject({ code: 'go_missing', message: 'Go is not installed' })
  })

  test('keeps the executable under the pinned version, and announces how long it takes', async () => {
    // Stands for Go: writes what follows `-o`.
    executable(
      join(directory, 'bin', 'go'),
      '[ "$1" = version ] && exit 0\nwhile [ "$1" != -o ]; do shift; done\nprintf "#!/bin/sh\\n" > "$2"',
    )
    const path = await obtain()
    expect(path).toBe(builtCliPath(env))
    expect(pinnedTemporalVersion()).toMatch(/^v\d+\.\d+\.\d+$/)
    expect(path).toContain(pinnedTemporalVersion())
    expect(notices).toEqual(['building Temporal from source, about 3 minutes, once'])
    expect(readdirSync(dirname(path))).toHaveLength(1)
  })

  test('a build that fails leaves nothing and says why', async () => {
    executable(
      join(directory, 'bin', 'go'),
      '[ "$1" = version ] && exit 0\nwhile [ "$1" != -o ]; do shift; done\necho half > "$2"\necho "no space left" >&2\nexit 1',
    )
    await expect(obtain()).rejects.toMatchObject({
      code: 'temporal_build_failed',
      message: expect.stringContaining('no space left') as string,
    })
    expect(existsSync(builtCliPath(env))).toBe(false)
    expect(readdirSync(join(directory, 'cache', 'batchwright'))).toEqual([])
  })
})
