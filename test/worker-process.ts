import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import type { JobStack } from './job-stack.ts'

const entry = fileURLToPath(new URL('./worker-entry.ts', import.meta.url))

/** A worker in a process of its own, which can be killed. */
export interface WorkerProcess {
  readonly child: ChildProcess
  /** The signal or code that it ended with. */
  readonly ended: Promise<string | number | null>
}

export function startWorkerProcess(stack: JobStack, environment: Record<string, string> = {}): WorkerProcess {
  const child = spawn(process.execPath, [entry], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      DATABASE_URL: stack.db.url,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: stack.namespace,
      BATCHWRIGHT_SIMULATE: 'openai',
      BATCHWRIGHT_SIMULATOR_URL: stack.simulator.url,
      BATCHWRIGHT_CONFIG: fileURLToPath(new URL('./worker.yaml', import.meta.url)),
      BATCHWRIGHT_WORKFLOW_BUNDLE: inject('workflowBundle'),
      LOG_LEVEL: 'fatal',
      ...environment,
    },
  })
  return { child, ended: once(child, 'exit').then(([code, signal]) => (signal as string | null) ?? (code as number | null)) }
}
