import type { Command } from 'commander'
import { BatchwrightError } from '../../core/errors.ts'
import type { SimulatorFlag } from '../../simulator/flags.ts'
import type { Cli } from '../cli.ts'
import { createCommand } from '../command.ts'
import { usageError } from '../exit-codes.ts'
import { collect } from '../option-values.ts'

const widestHelp = 120

/** The simulator says itself which flags it has and what can be made to go wrong; both are plain data. */
export async function simulatorCommand(cli: Cli): Promise<Command> {
  const [{ simulatorFlags, optionsFromFlags }, { describeFaults }] = await Promise.all([
    import('../../simulator/flags.ts'),
    import('../../simulator/catalogue.ts'),
  ])
  const command = createCommand({
    name: 'simulator',
    group: 'Processes',
    summary: "Play the providers' APIs on this machine, with failures on demand",
    examples: [
      'simulator --port 8788 --duration 30s',
      'simulator --port 8788 --fault items:transient:rate=0.1 --fault batches.create:accept_then_drop',
      'simulator --port 8788 --data ./simulator-data --curve late --fail-rate 0.05',
    ],
  })
  for (const { flag, description, repeated } of simulatorFlags) {
    if (repeated === true) command.option(flag, description, collect)
    else command.option(flag, description)
  }
  return command
    .option('--json', 'print where it listens as JSON')
    .addHelpText('after', () => `\n${whileItRuns}\n\n${describeFaults(Math.min(cli.stdout.columns ?? 100, widestHelp))}`)
    .action(async ({ json, ...flags }: Record<string, unknown> & { json?: boolean }) => {
      const { runSimulator } = await import('../../simulator/main.ts')
      try {
        await runSimulator({ ...optionsFromFlags(flags), json: json === true })
      } catch (error) {
        throw simulatorError(error, flags.port, simulatorFlags)
      }
    })
}

const whileItRuns = `While it runs, also under \`batchwright up --simulate\`, it takes faults and options over HTTP (URL: where it listens):
  curl -X POST URL/_simulator/faults -H 'content-type: application/json' -d '{"fault": "batches.create:refuse:times=2"}'
  curl -X POST URL/_simulator/options -H 'content-type: application/json' -d '{"duration_ms": "10s"}'
  curl URL/_simulator/books     what it was asked, what it did, and what it would have billed`

/** The simulator imports nothing of ours: its errors are Zod's, the system's, and plain ones about faults. */
function simulatorError(error: unknown, port: unknown, flags: readonly SimulatorFlag[]): unknown {
  if (!(error instanceof Error)) return error
  if ('code' in error && error.code === 'EADDRINUSE') {
    return new BatchwrightError('port_taken', `port ${String(port)} is taken: leave out --port to take any free one`, {
      cause: error,
    })
  }
  if ('issues' in error && Array.isArray(error.issues)) {
    const issue = error.issues[0] as { path: PropertyKey[]; message: string } | undefined
    const flag = flags.find(({ option }) => option === issue?.path[0])?.flag.split(' ')[0] ?? 'options'
    return usageError(`${flag}: ${issue?.message ?? 'not understood'}`)
  }
  return error.message.startsWith('fault "') ? usageError(error.message) : error
}
