// `npm run build`: makes `dist/`, which is what runs of the tarball that `npm pack` writes. It is laid out like the repository, so that a module finds its
// data by its own place there as it does here.
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is read at run time and is not code: migrations, model files, and the module that Temporal's dev server is built from. */
const data = ['db/migrations/*.sql', 'db/migrations/meta/_journal.json', 'models/*.yaml', 'tools/temporal/go.*']

const root = join(import.meta.dirname, '..')
// Nothing of an earlier build may be packed, least of all a workflow bundle of other code.
rmSync(join(root, 'dist'), { recursive: true, force: true })
for (const project of ['tsconfig.build.json', 'tsconfig.types.json'])
  run(join('node_modules', 'typescript', 'bin', 'tsc'), '-p', project)
for (const path of globSync(data, { cwd: root })) cpSync(join(root, path), join(root, 'dist', path))
const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
writeFileSync(join(root, 'dist', 'package.json'), `${JSON.stringify({ name, version, type }, undefined, 2)}\n`)
run(join('worker', 'build-bundle.ts'), join('dist', 'workflow-bundle.js'))

function run(program: string, ...args: readonly string[]): void {
  execFileSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' })
}
