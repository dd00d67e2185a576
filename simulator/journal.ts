import { closeSync, existsSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'

export interface Journal<Entry> {
  /** Appends before it returns, by a plain write: a killed process loses nothing that was appended. */
  append(entry: Entry): void
  close(): void
}

/** A state whose changes are all in a journal. */
export interface Recorder<Entry> {
  /** Writes an entry, then applies it. */
  record(entry: Entry): void
  close(): void
}

/** Opens a journal, applies what is in it, and applies every entry that is recorded later. */
export function openRecorder<Entry>(path: string, apply: (entry: Entry) => void): Recorder<Entry> {
  const journal = openJournal(path, apply)
  return {
    record(entry) {
      journal.append(entry)
      apply(entry)
    },
    close: () => journal.close(),
  }
}

/**
 * Opens an append-only file of JSON lines and hands every entry in it to `replay`. A last line that a kill cut short is removed. Not synced to the
 * platter: it survives the death of the process, not of the machine.
 */
export function openJournal<Entry>(path: string, replay: (entry: Entry) => void): Journal<Entry> {
  const file = openSync(path, existsSync(path) ? 'r+' : 'w+')
  let end = readEntries(file, replay)
  ftruncateSync(file, end)
  return {
    append(entry) {
      const line = Buffer.from(`${JSON.stringify(entry)}\n`)
      writeSync(file, line, 0, line.length, end)
      end += line.length
    },
    close: () => closeSync(file),
  }
}

function readEntries<Entry>(file: number, replay: (entry: Entry) => void): number {
  const chunk = Buffer.alloc(1 << 20)
  let rest = Buffer.alloc(0)
  let end = 0
  let position = 0
  for (;;) {
    const count = readSync(file, chunk, 0, chunk.length, position)
    if (count === 0) return end
    position += count
    const data = Buffer.concat([rest, chunk.subarray(0, count)])
    let from = 0
    for (let newline = data.indexOf(10, from); newline >= 0; newline = data.indexOf(10, from)) {
      try {
        replay(JSON.parse(data.toString('utf8', from, newline)) as Entry)
      } catch (error) {
        if (error instanceof SyntaxError) return end
        throw error
      }
      end += newline + 1 - from
      from = newline + 1
    }
    rest = Buffer.from(data.subarray(from))
  }
}
