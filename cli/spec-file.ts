import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { parseDocument } from 'yaml'
import { usageError } from './exit-codes.ts'

export interface SpecFile {
  /** Of the job's spec; not checked. */
  readonly fields: Record<string, unknown>
  /** Where its items are; a relative path is one from the spec's own folder. */
  readonly file: string | null
}

/** Reads a job written as YAML or JSON. Throws `usage` when there is none. */
export async function readSpecFile(path: string): Promise<SpecFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw usageError(
      `--spec: can't read ${path} (${error instanceof Error && 'code' in error ? String(error.code) : String(error)})`,
    )
  })
  const document = parseDocument(text, { uniqueKeys: true })
  const [problem] = document.errors
  if (problem !== undefined) throw usageError(`--spec: ${path} is not YAML: ${problem.message.split('\n', 1)[0] ?? ''}`)
  const content: unknown = document.toJS()
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw usageError(`--spec: ${path} is not a job: write fields like \`model: gpt-5-mini\``)
  const { file, ...fields } = content as Record<string, unknown>
  if (file !== undefined && typeof file !== 'string') throw usageError(`--spec: ${path}: file: is not a path`)
  return { fields, file: file === undefined || isAbsolute(file) || file === '-' ? (file ?? null) : join(dirname(path), file) }
}
