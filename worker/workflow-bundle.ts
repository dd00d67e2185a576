import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { WorkflowBundleOption } from '@temporalio/worker'

const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url))
/** Built ahead for production (`npm run bundle`) and once a test run: bundling takes seconds and memory. */
const prebuiltPath = fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url))

/** The prebuilt bundle where there is one, else the sources. */
export function workflowSource(
  codePath: string | undefined = process.env['BATCHWRIGHT_WORKFLOW_BUNDLE'],
): { workflowBundle: WorkflowBundleOption } | { workflowsPath: string } {
  const path = codePath ?? prebuiltPath
  return existsSync(path) ? { workflowBundle: { codePath: path } } : { workflowsPath }
}
