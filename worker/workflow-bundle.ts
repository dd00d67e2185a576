import { fileURLToPath } from 'node:url'
import type { WorkflowBundleOption } from '@temporalio/worker'

export const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url))

/**
 * The bundle that BATCHWRIGHT_WORKFLOW_BUNDLE names, else the sources, which the worker bundles at its start in a few seconds. Only what is named
 * is used: a bundle that lies around may be of another version.
 */
export function workflowSource(
  codePath: string | undefined = process.env['BATCHWRIGHT_WORKFLOW_BUNDLE'],
): { workflowBundle: WorkflowBundleOption } | { workflowsPath: string } {
  return codePath === undefined || codePath === '' ? { workflowsPath } : { workflowBundle: { codePath } }
}
