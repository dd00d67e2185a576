import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { WorkflowBundleOption } from '@temporalio/worker'
import { BatchwrightError, describeError } from '../core/errors.ts'
import { modulePath } from '../local/package-root.ts'

export const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url))

/** Bundling takes a second on an idle machine; a busy one gets its time. */
const bundlingMs = 120_000

/** Compiled code has the bundle that was built with it beside it (`tools/build-package.ts`). Sources have none: one that lies around may be of another version. */
const packedBundle =
  extname(import.meta.filename) === '.js' ? fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)) : undefined

/**
 * The bundle that BATCHWRIGHT_WORKFLOW_BUNDLE names, else the one of the package, else, from sources, one that is made now. It is made by a process of its
 * own, because the bundler's 100 MB would stay with the worker for good. Throws `workflow_bundle_failed`.
 */
export async function loadWorkflowBundle(
  codePath: string | undefined = process.env['BATCHWRIGHT_WORKFLOW_BUNDLE'],
): Promise<WorkflowBundleOption> {
  if (codePath !== undefined && codePath !== '') return { codePath }
  if (packedBundle !== undefined) return { codePath: packedBundle }
  const directory = await mkdtemp(join(tmpdir(), 'batchwright-bundle-'))
  try {
    const path = join(directory, 'workflows.js')
    await promisify(execFile)(process.execPath, [modulePath('../worker/build-bundle'), path], { timeout: bundlingMs })
    return { code: await readFile(path, 'utf8') }
  } catch (error) {
    throw new BatchwrightError('workflow_bundle_failed', `the workflows could not be bundled: ${describeError(error)}`, {
      cause: error,
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
