import { startApi, type RunningApi } from '../api/main.ts'
import { createCliRunner, type CliRunner } from '../cli/testing/cli-process.ts'
import { startJobStack, type JobStack, type JobStackOptions } from './job-stack.ts'

/** A job stack whose API listens, and the command line that talks to it. */
export interface CliStack {
  readonly stack: JobStack
  readonly api: RunningApi
  readonly cli: CliRunner
  stop(): Promise<void>
}

export async function startCliStack(options: JobStackOptions = {}): Promise<CliStack> {
  const stack = await startJobStack(options)
  const api = await startApi(
    { ...stack.config, api: { host: '127.0.0.1', port: 0, key: null } },
    { debug() {}, info() {}, warn() {}, error: console.error },
  )
  const cli = createCliRunner({ BATCHWRIGHT_URL: api.url })
  return {
    stack,
    api,
    cli,
    async stop() {
      await api.stop()
      await stack.stop()
      cli.remove()
    },
  }
}
