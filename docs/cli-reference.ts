import type { Command, Option } from 'commander'
import { commandGroups, examplesOf, withSubcommands } from '../cli/command.ts'
import { table } from './generated-blocks.ts'

/** A block for each group of commands: `commands: Jobs`. */
export function renderCommandBlocks(program: Command): Record<string, string> {
  return Object.fromEntries(
    commandGroups.map((group) => {
      const commands = program.commands.filter((command) => command.helpGroup() === `${group}:`)
      const sections = commands
        .flatMap((command) => withSubcommands(command))
        .map(({ name, command }) => renderCommand(name, command))
      return [`commands: ${group}`, sections.join('\n\n')]
    }),
  )
}

function renderCommand(name: string, command: Command): string {
  const words = [name, ...command.registeredArguments.map((argument) => argumentOf(argument.name(), argument.required))]
  const examples = examplesOf(command).map((example) => `batchwright ${example}`)
  const argumentRows = command.registeredArguments
    .filter(({ description }) => description !== '')
    .map((argument) => [code(argumentOf(argument.name(), argument.required)), argument.description])
  const groups = Map.groupBy(
    command.options.filter((option) => !option.hidden),
    (option) => option.helpGroupHeading ?? 'Options:',
  )
  const tables = [...groups].map(([heading, options], index) =>
    table([heading.replace(/:$/, ''), ''], [...(index === 0 ? argumentRows : []), ...options.map(optionRow)]),
  )
  return [`### \`${words.join(' ')}\``, command.description(), ['```sh', ...examples, '```'].join('\n'), ...tables].join('\n\n')
}

function optionRow(option: Option): string[] {
  const preset: unknown = option.defaultValue
  const notes = [
    ...(option.argChoices === undefined ? [] : [option.argChoices.map(code).join(' ')]),
    ...(typeof preset === 'string' || typeof preset === 'number' ? [`default: ${preset}`] : []),
  ]
  return [code(option.flags), notes.length === 0 ? option.description : `${option.description} (${notes.join('; ')})`]
}

function argumentOf(name: string, isRequired: boolean): string {
  return isRequired ? name : `[${name}]`
}

function code(text: string): string {
  return `\`${text}\``
}
