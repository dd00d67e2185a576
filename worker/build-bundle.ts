import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bundleWorkflowCode } from '@temporalio/worker'
import { workflowsPath } from './workflow-bundle.ts'

/** `node worker/build-bundle.ts FILE`: bundles the workflows ahead, for images whose workers should start at once. */
const [target] = process.argv.slice(2)
if (target === undefined) throw new Error('usage: node worker/build-bundle.ts FILE')
const { code } = await bundleWorkflowCode({ workflowsPath })
await mkdir(dirname(target), { recursive: true })
await writeFile(target, withRelativePaths(code, join(import.meta.dirname, '..')))

/** A bundle is carried to other machines: its source map names files by their place in the project, not on this one. */
function withRelativePaths(bundle: string, root: string): string {
  return bundle.replace(/(sourceMappingURL=data:[^,\n]*;base64,)(\S+)/, (_, start: string, map: string) => {
    const text = Buffer.from(map, 'base64').toString().replaceAll(root, '.')
    return start + Buffer.from(text).toString('base64')
  })
}
