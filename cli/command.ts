import { Command } from 'commander'
import type { Cli } from './cli.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'

/** The headings of the top-level help, in its order. */
export const commandGroups = ['Start', 'Jobs', 'Answers', 'Control', 'Setup', 'Processes'] as const
export type CommandGroup = (typeof commandGroups)[number]

export interface CommandDescription {
  readonly name: string
  readonly group: CommandGroup
  /** One line, for the list of commands and the command's own help. */
  readonly summary: string
  /** Command lines that work as they stand, without `batchwright`. A test parses them. */
  readonly examples: readonly string[]
}

/** A command with its subcommands, by the words that call it: `providers check`. */
export function withSubcommands(command: Command, parents: readonly string[] = []): Array<{ name: string; command: Command }> {
  const words = [...parents, command.name()]
  return [{ name: words.join(' '), command }, ...command.commands.flatMap((one) => withSubcommands(one, words))]
}

/** A command in the house's form: its help opens with examples; `--json`; errors are thrown, and shown in one place. */
export function createCommand({ name, group, summary, examples }: CommandDescription): Command {
  const command = new Command(name)
    .summary(summary)
    .description(`${summary}.`)
    .helpGroup(`${group}:`)
    .helpOption('-h, --help', 'show this help')
    .addHelpText('before', `Examples:\n${examples.map((example) => `  batchwright ${example}`).join('\n')}\n`)
  examplesByCommand.set(command, examples)
  return command
}

/** The examples of a command, for the test that parses them and for the documentation made of them. */
export function examplesOf(command: Command): readonly string[] {
  return examplesByCommand.get(command) ?? []
}

const examplesByCommand = new WeakMap<Command, readonly string[]>()

/** Turns what a command's action returns into the exit code of the process; nothing means done. */
export function runWith<Parameters extends unknown[]>(
  cli: Cli,
  action: (...parameters: Parameters) => Promise<ExitCode | undefined | void>,
): (...parameters: Parameters) => Promise<void> {
  return async (...parameters) => {
    cli.exitCode = (await action(...parameters)) ?? exitCodes.done
  }
}
