import type { Database } from '../../db/database.ts'
import { keepRejects, type Reject } from '../../db/rejects.ts'
import type { UploadTarget } from '../../db/upload-target.ts'

/** Keeps the lines that a job goes on without. */
export interface RejectStore {
  add(reject: Reject): Promise<void> | undefined
  flush(): Promise<void>
}

const rowsPerInsert = 1000
const charactersPerInsert = 1_000_000

export function createRejectStore(database: Database, target: UploadTarget): RejectStore {
  let rows: Reject[] = []
  let characters = 0
  const flush = async (): Promise<void> => {
    const full = rows
    rows = []
    characters = 0
    await keepRejects(database, target, full)
  }
  return {
    add(reject) {
      const { line, field, reason, text } = reject
      rows.push({ line, field: storable(field), reason: storable(reason) ?? '', text: storable(text) })
      characters += reject.text?.length ?? 0
      return rows.length >= rowsPerInsert || characters >= charactersPerInsert ? flush() : undefined
    },
    flush,
  }
}

/** Postgres' texts can't hold a NUL. */
function storable(text: string | null): string | null {
  return text?.replaceAll('\u0000', '\uFFFD') ?? null
}
