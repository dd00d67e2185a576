import type { DryRun } from '../client/batchwright.ts'
import { printJson, printLine, type Cli } from './cli.ts'
import { countOf, formatBytes } from './quantities.ts'

const rejectsShown = 10
const batchesShown = 10

/** What a job would be: its size and batches for a person, and one line as its provider would get it, on standard output. */
export function printDryRun(cli: Cli, plan: DryRun, asJson: boolean): void {
  if (asJson) {
    printJson(cli, plan)
    return
  }
  const target = [plan.provider, plan.model].filter((part) => part !== null).join('/')
  const say = (line: string): void => printLine(cli.stderr, line)
  say(
    `${countOf(plan.items, 'item')} for ${target}: ${countOf(plan.batches, 'batch', 'batches')}, ${formatBytes(plan.bytes)}, about ${plan.tokens} input tokens`,
  )
  for (const { model, endpoint, items, bytes } of plan.batch_list.slice(0, batchesShown))
    say(`  ${countOf(items, 'item')}, ${formatBytes(bytes)}, ${model} at ${endpoint}`)
  if (plan.batches > batchesShown) say(`  and ${plan.batches - batchesShown} more`)
  for (const { warnings, items } of plan.warnings) say(`Warning for ${countOf(items, 'item')}: ${warnings.join('; ')}`)
  if (plan.rejected_lines > 0) say(`${countOf(plan.rejected_lines, 'line')} would be left out:`)
  for (const { line, field, reason } of plan.rejects.slice(0, rejectsShown))
    say(`  ${[line === null ? null : `line ${line}`, field, reason].filter((part) => part !== null).join(': ')}`)
  say('Nothing was stored or sent. The first line as the provider would get it:')
  printJson(cli, plan.first_request)
}
