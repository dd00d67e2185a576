import type { CreateJobOptions, Items } from '../client/batchwright.ts'
import type { Cli } from './cli.ts'
import { detachable } from './interruption.ts'
import { createUploadDisplay } from './upload-display.ts'

/** Sends items with their progress shown, until Ctrl-C. */
export async function uploading<Answer extends object>(
  cli: Cli,
  items: Items,
  send: (options: Pick<CreateJobOptions, 'signal' | 'onUploadProgress'>) => Promise<Answer>,
): Promise<Answer | 'detached'> {
  const display = createUploadDisplay(cli.stderr)
  try {
    return await detachable(
      async (signal) => await send({ signal, onUploadProgress: (sentBytes, totalBytes) => display.show(sentBytes, totalBytes) }),
    )
  } finally {
    display.end()
    // After a refusal or Ctrl-C somebody may still be writing: an open standard input would keep this process.
    if (typeof items === 'object' && 'bytes' in items) cli.stdin.destroy()
  }
}
