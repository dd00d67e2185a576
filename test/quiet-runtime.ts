import { Runtime } from '@temporalio/worker'

const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** Keeps the Temporal SDK from writing into the test report. Once a process. */
export function quietRuntime(): void {
  if (installed) return
  installed = true
  Runtime.install({
    logger: quiet,
    telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
    shutdownSignals: [],
  })
}
let installed = false
