import type { Command } from 'commander'
import type { Setting } from '../../config/effective-config.ts'
import { BatchwrightError } from '../../core/errors.ts'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { oneLine, renderTable, shorten } from '../table.ts'

interface ConfigCommandOptions {
  config?: string
  check?: string
  json?: boolean
}

/** One thing that is wrong; a null field stands for the whole file or environment. */
interface Fault {
  readonly field: string | null
  readonly reason: string
}

export function configCommand(cli: Cli): Command {
  return createCommand({
    name: 'config',
    group: 'Setup',
    summary: 'Show the configuration as it holds here and where each value is from, or check a file',
    examples: ['config', 'config --config batchwright.yaml --json', 'config --check batchwright.yaml'],
  })
    .option('--config <FILE>', 'default: batchwright.yaml in the current folder, if there is one')
    .option('--check <FILE>', 'only say whether this file can be used, with everything that is wrong')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nReads files and environment itself; no service has to run. Secrets are never shown.\nExit codes: 0 it can be used, 2 it can not.',
    )
    .action(runWith(cli, async (options: ConfigCommandOptions) => await showConfig(cli, options)))
}

async function showConfig(cli: Cli, { config, check, json }: ConfigCommandOptions): Promise<ExitCode> {
  const { describeConfig } = await import('../../config/effective-config.ts')
  const isJson = json === true
  try {
    const { file, settings } = describeConfig({ file: check ?? config })
    if (check !== undefined) {
      if (isJson) printJson(cli, { file, valid: true, errors: [] })
      else printLine(cli.stdout, `${file} can be used.`)
    } else if (isJson) printJson(cli, { file, settings })
    else {
      printLine(cli.stdout, renderSettings(settings))
      printLine(cli.stderr, file === null ? 'There is no batchwright.yaml here.' : `The file is ${file}.`)
    }
    return exitCodes.done
  } catch (error) {
    const faults = faultsOf(error)
    if (faults === null) throw error
    if (isJson) printJson(cli, { file: check ?? config ?? null, valid: false, errors: faults })
    else for (const fault of faults) printLine(cli.stderr, describeFault(error as BatchwrightError, fault))
    return exitCodes.usage
  }
}

function renderSettings(settings: readonly Setting[]): string {
  return renderTable<Setting>(
    [
      { title: 'KEY', value: (setting) => setting.key },
      { title: 'VALUE', value: (setting) => shorten(formatValue(setting), 80) },
      { title: 'FROM', value: (setting) => setting.variable ?? setting.source },
    ],
    settings,
  )
}

function formatValue({ value, otherwise }: Setting): string {
  if (value === null || value === undefined) return `(${otherwise ?? 'none'})`
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Null: the error is about something else than the configuration. */
function faultsOf(error: unknown): readonly Fault[] | null {
  if (!(error instanceof BatchwrightError) || !['invalid_config', 'invalid_environment'].includes(error.code)) return null
  return Array.isArray(error.details.errors) ? (error.details.errors as Fault[]) : [{ field: null, reason: error.message }]
}

function describeFault({ details }: BatchwrightError, { field, reason }: Fault): string {
  const file = typeof details.file === 'string' ? [details.file] : []
  return oneLine(`batchwright: ${[...file, ...(field === null ? [] : [field]), reason].join(': ')}`)
}
