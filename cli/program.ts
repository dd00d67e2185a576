import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { printLine, type Cli } from './cli.ts'
import { appendCommand } from './commands/append.ts'
import { batchesCommand } from './commands/batches.ts'
import { cancelCommand } from './commands/cancel.ts'
import { compareCommand } from './commands/compare.ts'
import { costsCommand } from './commands/costs.ts'
import { deleteCommand } from './commands/delete.ts'
import { eventsCommand } from './commands/events.ts'
import { itemsCommand } from './commands/items.ts'
import { listCommand } from './commands/list.ts'
import { modelsCommand } from './commands/models.ts'
import { pauseCommand } from './commands/pause.ts'
import { pollCommand } from './commands/poll.ts'
import { providersCommand } from './commands/providers.ts'
import { resultsCommand } from './commands/results.ts'
import { resumeCommand } from './commands/resume.ts'
import { retryCommand } from './commands/retry.ts'
import { startCommand } from './commands/start.ts'
import { statusCommand } from './commands/status.ts'
import { submitCommand } from './commands/submit.ts'
import { waitCommand } from './commands/wait.ts'
import { watchCommand } from './commands/watch.ts'
import { reportError } from './error-report.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { apiCommand } from './processes/api.ts'
import { configCommand } from './processes/config.ts'
import { doctorCommand } from './processes/doctor.ts'
import { migrateCommand } from './processes/migrate.ts'
import { simulatorCommand } from './processes/simulator.ts'
import { upCommand } from './processes/up.ts'
import { workerCommand } from './processes/worker.ts'

/** The whole command line. Errors of usage are thrown (`CommanderError`), none ends the process. */
export async function createProgram(cli: Cli): Promise<Command> {
  const program = new Command('batchwright')
    .description('Every answer, once, at batch price, whatever crashes on the way.')
    .usage('COMMAND [options]')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .commandsGroup('Help:')
    .helpCommand('help [COMMAND]', 'show the help of a command')
    .configureHelp({ subcommandTerm: (command) => command.name(), showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => void cli.stdout.write(text),
      writeErr: (text) => void cli.stderr.write(text),
      // Shown in one place with all other errors.
      outputError: () => {},
    })
    .exitOverride()
    // Else the --json of a command would take that of its subcommand.
    .enablePositionalOptions()
    .addHelpText('before', firstSteps)
    .addHelpText('after', environment)
  const commands = [
    upCommand(cli),
    submitCommand(cli),
    appendCommand(cli),
    startCommand(cli),
    listCommand(cli),
    statusCommand(cli),
    watchCommand(cli),
    waitCommand(cli),
    eventsCommand(cli),
    resultsCommand(cli),
    itemsCommand(cli),
    batchesCommand(cli),
    costsCommand(cli),
    compareCommand(cli),
    cancelCommand(cli),
    pauseCommand(cli),
    resumeCommand(cli),
    pollCommand(cli),
    retryCommand(cli),
    deleteCommand(cli),
    modelsCommand(cli),
    providersCommand(cli),
    configCommand(cli),
    doctorCommand(cli),
    apiCommand(cli),
    workerCommand(cli),
    migrateCommand(cli),
    await simulatorCommand(cli),
  ]
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program))
    for (const subcommand of command.commands) subcommand.copyInheritedSettings(command).helpGroup('Commands:')
  }
  return program
}

/** Runs one command line, says what went wrong, and returns the exit code. */
export async function runCli(cli: Cli, args: readonly string[]): Promise<ExitCode> {
  const program = await createProgram(cli)
  try {
    if (args.length === 0) {
      printLine(cli.stderr, program.helpInformation({ error: true }))
      return exitCodes.usage
    }
    await program.parseAsync(args, { from: 'user' })
    return cli.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done
    const report = reportError(error)
    if (args.includes('--json')) printLine(cli.stderr, JSON.stringify(report.json))
    else for (const line of report.lines) printLine(cli.stderr, line)
    return report.exitCode
  }
}

const firstSteps = `Examples:
  batchwright up --simulate
  batchwright submit examples/support-tickets.jsonl -m openai/gpt-5-mini --wait
  batchwright results k7m2 -o answers.jsonl
`

const environment = `
JOB is the id of a job, a beginning of it that no other has, or its name.

Environment: BATCHWRIGHT_URL (default http://127.0.0.1:8787), BATCHWRIGHT_API_KEY; provider keys are set where the worker runs.
Exit codes: 0 done, 1 failed, 2 usage, 3 finished with failed items, 4 timed out waiting, 5 paused and needs a person, 6 not finished, 130 detached.`

function version(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
}
