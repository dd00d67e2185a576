import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

// What the docs show of the client stands in examples/client-*.ts, and `package.slow.test.ts` runs these.

const root = join(import.meta.dirname, '..')
const examples = globSync('examples/client-*.ts', { cwd: root }).map((path) => readFileSync(join(root, path), 'utf8'))

const shown = globSync(['README.md', 'docs/**/*.md', 'client/*.ts'], { cwd: root, exclude: ['**/*.test.ts'] }).flatMap((path) => {
  const text = readFileSync(join(root, path), 'utf8')
  // In a docstring each line begins with ` * `.
  const plain = path.endsWith('.ts') ? text.replaceAll(/^ \* ?/gm, '') : text
  return [...plain.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => ({ path, code }))
})

test('docs and docstrings show the client', () => {
  expect(new Set(shown.map(({ path }) => path))).toEqual(new Set(['README.md', 'docs/client.md', 'client/batchwright.ts']))
})

test.for(shown)('an example of $path is one that runs', ({ code }) => {
  expect(
    examples.some((example) => example.includes(code)),
    code,
  ).toBe(true)
})
