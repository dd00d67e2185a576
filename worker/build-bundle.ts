import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { bundleWorkflowCode } from '@temporalio/worker'
import { workflowsPath } from './workflow-bundle.ts'

/** `node worker/build-bundle.ts FILE`: bundles the workflows ahead, for images whose workers should start at once. */
const [target] = process.argv.slice(2)
if (target === undefined) throw new Error('usage: node worker/build-bundle.ts FILE')
const { code } = await bundleWorkflowCode({ workflowsPath })
await mkdir(dirname(target), { recursive: true })
await writeFile(target, code)
