import { chmodSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { z } from 'zod'

import { BatchwrightError, describeError } from '../core/errors.ts'
import { identifyProcess, isRunning } from './process-identity.ts'

const lockFile = 'lock.json'
const lockContent = z.object({ pid: z.number(), startTime: z.string(), url: z.string() })

const servicePorts = z
  .object({ postgres: z.number(), temporal: z.number(), temporalUi: z.number(), simulator: z.number() })
  .partial()
  .catch({})

/** The ports of the last start, by what listens on them. */
export type ServicePorts = z.output<typeof servicePorts>

export type DataDirectory = {
  /** Absolute. */
  readonly path: string
  readonly logs: string
  /** The record of running processes (see `process-record.ts`). */
  readonly processRecord: string
  readonly ports: () => ServicePorts
  readonly savePorts: (ports: ServicePorts) => void
  /** Lets the next one have it. Again is fine. */
  readonly release: () => void
}

/**
 * Creates the data directory (0700) if it is missing and takes it for this process; `url` is what a second one is told to use instead.
 * A holder that died, by whatever end, holds nothing. Throws `data_directory_in_use` (details: `pid`, `url`) and `data_directory_unusable`.
 */
export function takeDataDirectory(directory: string, url: string): DataDirectory {
  const path = resolve(directory)
  createDirectory(path)
  // One that is shut to others is right as it is; one with files of someone else's (a home, /tmp) is not ours to shut.
  if ((statSync(path).mode & 0o067) !== 0 && isOurs(path)) chmodSync(path, 0o700)
  const logs = join(path, 'logs')
  const portsFile = join(path, 'ports.json')
  const release = lock(path, url)
  mkdirSync(logs, { recursive: true, mode: 0o700 })
  return {
    path,
    logs,
    processRecord: join(path, 'processes.json'),
    ports: () => servicePorts.parse(readJson(portsFile)),
    savePorts: (ports) => writeFileSync(portsFile, `${JSON.stringify(ports, null, 2)}\n`, { mode: 0o600 }),
    release,
  }
}

/** Step by step: where nothing can be created (/proc), Node's own recursive `mkdir` never ends. */
function createDirectory(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return
    if (dirname(path) !== path) createDirectory(dirname(path))
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (error instanceof BatchwrightError) throw error
    const why = hasCode(error, 'EEXIST') || hasCode(error, 'ENOTDIR') ? 'there is a file' : describeError(error)
    throw new BatchwrightError(
      'data_directory_unusable',
      `${path} can't be a directory (${why}): choose another one with --data`,
      {
        cause: error,
      },
    )
  }
}

function isOurs(path: string): boolean {
  const entries = readdirSync(path)
  return entries.length === 0 || entries.includes('ports.json')
}

function lock(path: string, url: string): () => void {
  const own = identifyProcess(process.pid)
  if (own === null)
    throw new BatchwrightError('process_unknown', 'The start time of this process could not be read (is /proc mounted?)')
  const target = join(path, lockFile)
  const prepared = `${target}.${own.pid}`
  writeFileSync(prepared, JSON.stringify({ ...own, url }), { mode: 0o600 })
  try {
    for (;;) {
      try {
        // A link appears whole or not at all, and never over another one.
        linkSync(prepared, target)
        break
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error
      }
      removeStaleLock(target, path)
    }
  } finally {
    rmSync(prepared, { force: true })
  }
  return () => {
    const holder = lockContent.safeParse(readJson(target))
    if (holder.success && holder.data.pid === own.pid && holder.data.startTime === own.startTime) rmSync(target, { force: true })
  }
}

/** Removes the lock of a dead holder; throws while the holder lives. */
function removeStaleLock(target: string, path: string): void {
  const seen = readText(target)
  if (seen === undefined) return
  throwIfHeld(seen, path)
  const aside = `${target}.stale-${process.pid}`
  try {
    renameSync(target, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  const moved = readText(aside)
  if (moved !== undefined && moved !== seen) {
    // Another process was faster: it removed the stale lock and took its own, and that is what we moved. Give it back.
    renameSync(aside, target)
    throwIfHeld(moved, path)
  }
  rmSync(aside, { force: true })
}

function throwIfHeld(content: string, path: string): void {
  const holder = lockContent.safeParse(parseJson(content))
  if (!holder.success || !isRunning(holder.data)) return
  const { pid, url } = holder.data
  throw new BatchwrightError(
    'data_directory_in_use',
    `${path} is in use by Batchwright process ${pid} at ${url}: use that one, stop it, or choose another --data directory`,
    { details: { pid, url } },
  )
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function readJson(path: string): unknown {
  const text = readText(path)
  return text === undefined ? undefined : parseJson(text)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
