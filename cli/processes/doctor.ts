import type { Command } from 'commander'
import type { Finding } from '../../local/finding.ts'
import { renderChecks } from '../check-lines.ts'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { parsePort } from '../option-values.ts'

interface DoctorCommandOptions {
  data: string
  port?: number
  config?: string
  json?: boolean
}

export function doctorCommand(cli: Cli): Command {
  return createCommand({
    name: 'doctor',
    group: 'Setup',
    summary: 'Say what is missing to run here, and how to get it; starts and downloads nothing',
    examples: ['doctor', 'doctor --data ~/.batchwright --port 9000', 'doctor --json'],
  })
    .option('--data <DIR>', 'the data directory that `up` would have', '.batchwright')
    .option('--port <N>', 'the port that `up` would have (default: 8787)', parsePort)
    .option('--config <FILE>', 'default: batchwright.yaml in the current folder, if there is one')
    .option('--json', 'print what was found as JSON')
    .addHelpText('after', '\nExit codes: 0 nothing failed (warnings may be there), 1 something did.')
    .action(runWith(cli, async (options: DoctorCommandOptions) => await runDoctor(cli, options)))
}

async function runDoctor(cli: Cli, { data, port, config, json }: DoctorCommandOptions): Promise<ExitCode> {
  const { diagnose } = await import('../../local/doctor.ts')
  const findings = await diagnose({
    environment: process.env,
    directory: process.cwd(),
    configFile: config,
    dataDir: data,
    port,
  })
  const isOk = findings.every(({ status }) => status !== 'fail')
  if (json === true) printJson(cli, { ok: isOk, checks: findings })
  else printLine(cli.stdout, renderChecks(findings.map(toCheckLine)))
  return isOk ? exitCodes.done : exitCodes.failed
}

function toCheckLine({ status, name, detail, remedy }: Finding) {
  return { status, name, text: remedy === null ? detail : `${detail}: ${remedy}` }
}
