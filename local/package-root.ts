import { existsSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'

/** The directory of Batchwright's package.json: the same whether this file runs as TypeScript or compiled under `dist/`. */
export function packageRoot(): string {
  let directory = import.meta.dirname
  while (!existsSync(join(directory, 'package.json')) && dirname(directory) !== directory) directory = dirname(directory)
  return directory
}

/** The path of a module to run as a process of its own, given relative to `local/` and without suffix: `../cli/main`. */
export function modulePath(relative: string): string {
  return join(import.meta.dirname, `${relative}${extname(import.meta.filename)}`)
}
