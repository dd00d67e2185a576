import { TestWorkflowEnvironment } from '@temporalio/testing'

import { describeError } from '../core/errors.ts'

// Runs as a process of its own (see temporal-download.ts). Starting its dev server is the one public way to have the SDK download the
// CLI that belongs to it; the parent takes the file as soon as it is complete and ends this process.
const downloadDir = process.argv[2]
try {
  if (downloadDir === undefined) throw new Error('usage: temporal-download-process DIRECTORY')
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir } },
  })
  await environment.teardown()
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`)
  process.exitCode = 1
}
