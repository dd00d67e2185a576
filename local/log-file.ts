import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** A log file is cut when it grows beyond this many bytes; what was cut off is kept in `<file>.1`, once. */
export const maxLogBytes = 20 * 1024 * 1024

/** Moves the log of the last start to `<path>.1`. A missing file is fine. */
export function rotateLog(path: string): void {
  rmSync(`${path}.1`, { force: true })
  try {
    renameSync(path, `${path}.1`)
  } catch (error) {
    if (!isMissingFile(error)) throw error
  }
}

/**
 * Opens a log to hand to a child process as its stdout and stderr; the caller closes it after the spawn. Appending, so that
 * `boundLog` may cut the file while the child writes. A file and not a pipe: the child must not depend on our being alive.
 */
export function openLog(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
}

/** Cuts a log that outgrew `maxBytes`, keeping its last half in `<path>.1`. Lines written during the cut may be lost. */
export function boundLog(path: string, maxBytes = maxLogBytes): void {
  let file: number
  try {
    file = openSync(path, 'r+')
  } catch (error) {
    if (isMissingFile(error)) return
    throw error
  }
  try {
    const { size } = fstatSync(file)
    if (size <= maxBytes) return
    const kept = Buffer.alloc(Math.floor(maxBytes / 2))
    const length = readSync(file, kept, 0, kept.length, size - kept.length)
    ftruncateSync(file, 0)
    writeFileSync(`${path}.1`, kept.subarray(0, length), { mode: 0o600 })
  } finally {
    closeSync(file)
  }
}

/** The last non-empty lines of a log, for an error message; empty if it can't be read. */
export function lastLogLines(path: string, count: number): string[] {
  return readLogFrom(path, -64 * 1024)
    .text.split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
}

/**
 * The text of a log from byte `offset` on (negative: that many bytes before its end), and the offset to go on from. A log that
 * was cut meanwhile is read from its start; one that can't be read is empty.
 */
export function readLogFrom(path: string, offset: number): { text: string; nextOffset: number } {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return { text: '', nextOffset: 0 }
  }
  try {
    const { size } = fstatSync(file)
    const start = offset < 0 ? Math.max(0, size + offset) : offset > size ? 0 : offset
    const buffer = Buffer.alloc(size - start)
    const length = readSync(file, buffer, 0, buffer.length, start)
    return { text: buffer.toString('utf8', 0, length), nextOffset: start + length }
  } finally {
    closeSync(file)
  }
}

function isMissingFile(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
