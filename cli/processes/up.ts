import type { Command } from 'commander'
import { didYouMean } from '../../core/nearest-name.ts'
import type { Stack } from '../../local/stack.ts'
import { printJson, type Cli } from '../cli.ts'
import { createCommand } from '../command.ts'
import { usageError } from '../exit-codes.ts'
import { parsePort } from '../option-values.ts'

interface UpCommandOptions {
  data: string
  port?: number
  config?: string
  /** `true`: given without names. */
  simulate?: string | true
  json?: boolean
}

export function upCommand(cli: Cli): Command {
  return createCommand({
    name: 'up',
    group: 'Start',
    summary: 'Run everything on this machine: Postgres, Temporal, API and worker, until Ctrl-C',
    examples: ['up', 'up --simulate', 'up --data ~/.batchwright --port 9000 --config batchwright.yaml'],
  })
    .option('--data <DIR>', 'where everything is kept', '.batchwright')
    .option('--port <N>', 'of the API (default: 8787); 0 takes any free one', parsePort)
    .option('--config <FILE>', 'default: batchwright.yaml in the current folder, if there is one')
    .option(
      '--simulate [PROVIDERS]',
      'play the providers (all, or those named, separated by commas): made-up answers, nothing is spent',
    )
    .option('--json', 'print where everything is as JSON, once it runs')
    .action(async ({ data, port, config, simulate, json }: UpCommandOptions) => {
      const [{ up }, { loadConfig }] = await Promise.all([import('../../local/up.ts'), import('../../config/config.ts')])
      // What is wrong with the configuration is said before anything starts, not in a log of what did not.
      const providers = loadConfig({ file: config }).providers.map((provider) => provider.name)
      const exitCode = await up({
        dataDir: data,
        simulate: simulatedProviders(simulate, providers),
        configFile: config,
        ...(port === undefined ? {} : { port }),
        ...(json === true ? { onReady: (stack: Stack) => printJson(cli, addressesOf(stack)) } : {}),
      })
      // Connections to what was stopped must not keep this process.
      process.exit(exitCode)
    })
}

function addressesOf(stack: Stack) {
  return {
    api_url: stack.apiUrl,
    temporal_address: stack.temporalAddress,
    temporal_ui_url: stack.uiUrl ?? null,
    simulator_url: stack.simulatorUrl ?? null,
    data: stack.dataDir,
  }
}

function simulatedProviders(simulate: string | true | undefined, known: readonly string[]): readonly string[] | false {
  if (simulate === undefined) return false
  if (simulate === true) return known
  const names = simulate.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return names
  throw usageError(`--simulate: there is no provider "${unknown}"${didYouMean(unknown, known)}; there are: ${known.join(', ')}`)
}
