import { join, resolve } from 'node:path'

import { BatchwrightError, describeError } from '../core/errors.ts'
import { openDatabase } from '../db/database.ts'
import { onEndingSignals } from './ending-signals.ts'
import { killRecordedProcesses } from './process-record.ts'
import { type Stack, type StackOptions, startStack } from './stack.ts'
import { createStepPrinter } from './step-printer.ts'
import { describeServiceEvent, type ServiceEvent } from './supervised-service.ts'
import { describeUnservedJobs } from './unserved-jobs.ts'

export type UpOptions = Omit<StackOptions, 'signal' | 'onEvent'> & {
  /** Where the steps and the addresses are written. Default: stderr. */
  output?: NodeJS.WriteStream
  /** Called once everything runs. */
  onReady?: (stack: Stack) => void
}

/**
 * `batchwright up`: starts the stack, says where it is, and runs until Ctrl-C, SIGTERM or SIGHUP. A second Ctrl-C kills at once.
 * Returns the exit code, and the caller exits with it: 0 stopped as asked, 1 could not start or be kept running, 130 killed by a
 * second Ctrl-C.
 */
export async function up({ output = process.stderr, onReady, ...options }: UpOptions): Promise<number> {
  const printer = createStepPrinter(output)
  const stop = Promise.withResolvers<'stop'>()
  const kill = Promise.withResolvers<'kill'>()
  const starting = new AbortController()
  const ignoreSignals = onEndingSignals({
    first() {
      printer.line('Stopping (Ctrl-C again kills at once)')
      starting.abort()
      stop.resolve('stop')
    },
    again: () => kill.resolve('kill'),
  })
  // Whoever read our output may have gone; that is no reason to let go of what runs.
  output.on('error', () => undefined)

  const onEvent = (event: ServiceEvent): void => {
    // That one is told below, with its log.
    if (event.type !== 'given_up') printer.line(describeServiceEvent(event))
  }
  const run = async (): Promise<number> => {
    const stack = await startStack({ ...options, signal: starting.signal, onEvent }, printer.report)
    printer.line(['', ...describeStack(stack, options), ...(await describeWaiting(stack)), ''].join('\n'))
    onReady?.(stack)
    const end = await Promise.race([stop.promise, stack.failed])
    if (end !== 'stop') printer.line(`batchwright: ${end.name} can't be kept running: ${end.reason} (log: ${end.logPath})`)
    await stack.stop()
    return end === 'stop' ? 0 : 1
  }
  try {
    const result = await Promise.race([run(), kill.promise])
    if (result !== 'kill') return result
    killRecordedProcesses(join(resolve(options.dataDir), 'processes.json'))
    return 130
  } catch (error) {
    if (error instanceof BatchwrightError && error.code === 'start_aborted') return 0
    printer.line(`batchwright: ${describeError(error)}`)
    return 1
  } finally {
    printer.end()
    ignoreSignals()
  }
}

async function describeWaiting({ databaseUrl }: Stack): Promise<string[]> {
  const database = openDatabase(databaseUrl, { maxConnections: 1 })
  try {
    return (await describeUnservedJobs(database)).map((line) => `  note             ${line}`)
  } catch (error) {
    // A courtesy: what runs is not stopped for it.
    return [`  note             whether older jobs can go on was not found out: ${describeError(error)}`]
  } finally {
    await database.close()
  }
}

function describeStack(stack: Stack, options: UpOptions): string[] {
  const simulated = options.simulate === false ? [] : options.simulate
  return [
    'Batchwright is running.',
    `  API and docs     ${stack.apiUrl}`,
    `  Temporal         ${stack.temporalAddress}`,
    ...(stack.uiUrl === undefined ? [] : [`  Temporal Web UI  ${stack.uiUrl}`]),
    `  data             ${stack.dataDir} (logs in ${join(stack.dataDir, 'logs')})`,
    ...(simulated.length === 0 ? [] : [`  simulated        ${simulated.join(', ')}: made-up answers, nothing is spent`]),
    ...(stack.simulatorUrl === undefined
      ? []
      : [`  simulator        ${stack.simulatorUrl} (faults: batchwright simulator --help)`]),
    '  stop             Ctrl-C',
  ]
}
