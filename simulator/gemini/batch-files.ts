import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { resultsFileId } from './ids.ts'
import { isNeeded, isOver, type GeminiState, type StoredBatch } from './state.ts'

type Input = Pick<StoredBatch, 'id' | 'inputFileId'>

export interface BatchFiles {
  /** Where a file of the API lies. */
  pathOf(fileId: string): string
  /** The requests, one a line: an uploaded file, or what came with the create. */
  inputPath(batch: Input): string
  /** In a file of the API, or where what comes with the batch lies. */
  resultsPath(batch: Input, inline: boolean): string
  /** Removes what a batch that is over needed and nobody else does. */
  removeInput(batch: Input): Promise<void>
  /** Removes what a killed process left. */
  removeStrays(): void
}

/** Where a file lies while it is uploaded. */
export function partialPath(path: string): string {
  return `${path}.part`
}

export function createBatchFiles(directory: string, state: () => GeminiState): BatchFiles {
  const files = join(directory, 'files')
  const inputs = join(directory, 'inputs')
  const results = join(directory, 'results')
  for (const path of [files, inputs, results]) mkdirSync(path, { recursive: true })
  const pathOf = (fileId: string): string => join(files, fileId)
  const inlineInput = (id: string): string => join(inputs, `${id}.jsonl`)
  return {
    pathOf,
    inputPath: ({ id, inputFileId }) => (inputFileId === null ? inlineInput(id) : pathOf(inputFileId)),
    resultsPath: ({ id }, inline) => (inline ? join(results, `${id}.jsonl`) : pathOf(resultsFileId(id))),
    async removeInput({ id, inputFileId }) {
      if (inputFileId === null) await rm(inlineInput(id), { force: true })
      else if (!state().files.has(inputFileId) && !isNeeded(inputFileId, state())) await rm(pathOf(inputFileId), { force: true })
    },
    removeStrays() {
      const { files: stored, uploads, batches } = state()
      const open = [...batches.values()].filter((batch) => !isOver(batch))
      const needed = new Set([
        ...stored.keys(),
        ...open.flatMap(({ inputFileId }) => inputFileId ?? []),
        ...Array.from(uploads.values(), ({ fileId }) => partialPath(fileId)),
      ])
      removeOthers(files, needed)
      removeOthers(inputs, new Set(open.map(({ id }) => `${id}.jsonl`)))
      const kept = [...batches.values()].filter((batch) => isOver(batch) && batch.resultsInline && !batch.deleted)
      removeOthers(results, new Set(kept.map(({ id }) => `${id}.jsonl`)))
    },
  }
}

function removeOthers(directory: string, needed: ReadonlySet<string>): void {
  for (const name of readdirSync(directory)) if (!needed.has(name)) rmSync(join(directory, name), { force: true })
}
