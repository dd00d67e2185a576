import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export interface BatchFiles {
  /** The requests as they came, one a line, until the batch has ended. */
  inputPath(batchId: string): string
  resultsPath(batchId: string): string
  /** Removes what a killed process left: the files of batches that aren't `known`, and inputs that aren't `open`. */
  removeStrays(known: (batchId: string) => boolean, open: (batchId: string) => boolean): void
}

export function createBatchFiles(directory: string): BatchFiles {
  const inputs = join(directory, 'inputs')
  const results = join(directory, 'results')
  for (const path of [inputs, results]) mkdirSync(path, { recursive: true })
  return {
    inputPath: (batchId) => join(inputs, `${batchId}.jsonl`),
    resultsPath: (batchId) => join(results, `${batchId}.jsonl`),
    removeStrays(known, open) {
      for (const [path, needed] of [
        [inputs, open],
        [results, known],
      ] as const) {
        for (const name of readdirSync(path))
          if (!name.endsWith('.jsonl') || !needed(name.slice(0, -'.jsonl'.length))) rmSync(join(path, name), { force: true })
      }
    },
  }
}
