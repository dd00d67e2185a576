import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { BatchwrightError } from '../core/errors.ts'
import { type PostgresBinaries, stagingDirectory } from './postgres-binaries.ts'
import type { SystemUser } from './postgres-user.ts'
import { runToEnd } from './run-to-end.ts'

/** The role that owns everything; the cluster has no other. */
export const postgresRole = 'batchwright'

export type PostgresCluster = { directory: string; password: string }

export type ClusterOptions = {
  /** Absolute. */
  dataDir: string
  binaries: PostgresBinaries
  user: SystemUser | undefined
  durable: boolean
  notice: (line: string) => void
}

/**
 * The database cluster of a data directory (`<dataDir>/postgres`, mode 0700), created on first use, and its password
 * (`<dataDir>/postgres-password`, mode 0600). Throws `postgres_password_missing` or `postgres_initdb_failed`.
 */
export async function openPostgresCluster(options: ClusterOptions): Promise<PostgresCluster> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  const parent = await findClusterParent(options)
  const directory = join(parent, 'postgres')
  const passwordPath = join(options.dataDir, 'postgres-password')

  if (existsSync(directory)) {
    if (!existsSync(passwordPath)) {
      throw new BatchwrightError(
        'postgres_password_missing',
        `${passwordPath} is gone, and without it the data in ${directory} can't be opened: put the file back, or start with an empty data directory`,
      )
    }
    return { directory, password: readFileSync(passwordPath, 'utf8').trim() }
  }

  // The password first: a crash right after initdb must not leave a cluster that nobody can open.
  if (!existsSync(passwordPath)) writeFileSync(passwordPath, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 })
  const password = readFileSync(passwordPath, 'utf8').trim()
  await createCluster(directory, password, options)
  return { directory, password }
}

/** initdb under a temporary name, then a rename: an initdb that was interrupted is never mistaken for a cluster. */
async function createCluster(directory: string, password: string, options: ClusterOptions): Promise<void> {
  const unfinished = `${directory}.initialising`
  const passwordFile = `${directory}.initdb-password`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { mode: 0o700 })
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  try {
    if (options.user !== undefined) {
      for (const path of [unfinished, passwordFile]) chownSync(path, options.user.uid, options.user.gid)
    }
    const result = await runToEnd(
      options.binaries.initdb,
      [
        `--pgdata=${unfinished}`,
        `--username=${postgresRole}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Collation by code point, the same on every platform, and not bound to a locale that the machine may lack.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
        ...(options.durable ? [] : ['--no-sync']),
      ],
      { cwd: '/', user: options.user, env: postgresEnvironment() },
    )
    if (result.code !== 0) {
      throw new BatchwrightError(
        'postgres_initdb_failed',
        `Postgres could not create its data in ${directory}: ${result.stderr.trim()}`,
      )
    }
    renameSync(unfinished, directory)
  } finally {
    rmSync(passwordFile, { force: true })
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Nothing of ours: variables like PGPORT, PGDATA or LC_ALL would change what the server does. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }
}

/**
 * The data directory, or its stand-in under /var/lib where user `postgres` can't get into the data directory. The stand-in is named
 * in `<dataDir>/postgres-location`, so that it moves and goes out of use together with the data directory.
 */
async function findClusterParent({ dataDir, user, notice }: ClusterOptions): Promise<string> {
  const locationPath = join(dataDir, 'postgres-location')
  if (!existsSync(locationPath)) {
    if (user === undefined) return dataDir
    letThrough(dataDir, user)
    if (await canEnter(dataDir, user)) return dataDir
    const pathHash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
    const staged = join(stagingDirectory, `${pathHash}-${randomBytes(3).toString('hex')}`)
    mkdirSync(stagingDirectory, { recursive: true, mode: 0o755 })
    mkdirSync(staged, { mode: 0o700 })
    letThrough(staged, user)
    writeFileSync(locationPath, `${staged}\n`, { mode: 0o600 })
  }
  const staged = readFileSync(locationPath, 'utf8').trim()
  notice(`Postgres data is in ${staged}: user ${user?.name ?? 'postgres'} cannot reach ${dataDir}`)
  return staged
}

/**
 * Root's own 0700 directory would shut user `postgres` out of its data below it. It gets passage by name (0710, its group) and
 * nothing else; the directory stays root's.
 */
function letThrough(directory: string, user: SystemUser): void {
  const { mode, uid } = statSync(directory)
  if (uid !== 0 || (mode & 0o077) !== 0) return
  chownSync(directory, 0, user.gid)
  chmodSync(directory, 0o710)
}

/** Asked of the system itself, as that user: parents, ACLs and mounts all count. */
async function canEnter(directory: string, user: SystemUser): Promise<boolean> {
  const result = await runToEnd('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], { cwd: '/', user, timeoutMs: 10_000 })
  return result.code === 0
}

/** Deletes the cluster of a data directory for good, also where it was staged elsewhere. Its server must have stopped. */
export function removePostgresCluster(dataDir: string): void {
  const locationPath = join(dataDir, 'postgres-location')
  if (existsSync(locationPath)) rmSync(readFileSync(locationPath, 'utf8').trim(), { recursive: true, force: true })
  for (const name of ['postgres', 'postgres-password', 'postgres-location'])
    rmSync(join(dataDir, name), { recursive: true, force: true })
}
