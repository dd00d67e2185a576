import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createCli } from '../cli/cli.ts'
import { createProgram } from '../cli/program.ts'
import { renderCommandBlocks } from './cli-reference.ts'
import { renderConfigBlocks } from './config-reference.ts'
import { fillBlocks } from './generated-blocks.ts'

/** What is generated is taken from the code; what is around it in a document stays as it is. */
export async function generateDocuments(): Promise<{ path: string; is: string; shouldBe: string }[]> {
  const blocks = {
    'cli.md': renderCommandBlocks(await createProgram(createCli())),
    'config.md': renderConfigBlocks(),
  }
  return Object.entries(blocks).map(([name, filling]) => {
    const path = fileURLToPath(new URL(name, import.meta.url))
    const is = readFileSync(path, 'utf8')
    return { path, is, shouldBe: fillBlocks(is, filling) }
  })
}

if (import.meta.main) {
  for (const { path, is, shouldBe } of await generateDocuments()) {
    if (is === shouldBe) continue
    writeFileSync(path, shouldBe)
    process.stderr.write(`${path} is brought up to date\n`)
  }
}
