import type { Command } from 'commander'
import type { Provider, ProviderCheck } from '../../client/batchwright.ts'
import { renderChecks } from '../check-lines.ts'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { countOf, formatCount } from '../quantities.ts'
import { renderTable } from '../table.ts'

export function providersCommand(cli: Cli): Command {
  return createCommand({
    name: 'providers',
    group: 'Setup',
    summary: 'List the providers: which are configured, who serves them, what is open there',
    examples: ['providers', 'providers --json', 'providers check', 'providers check openai'],
  })
    .option('--json', 'print the providers as a JSON array')
    .action(runWith(cli, async (options: { json?: boolean }) => await listProviders(cli, options.json === true)))
    .helpCommand(false)
    .addCommand(checkCommand(cli))
}

function checkCommand(cli: Cli): Command {
  return createCommand({
    name: 'check',
    group: 'Setup',
    summary: 'Try each configured provider by a call that costs nothing, made by a worker',
    examples: ['providers check', 'providers check openai', 'providers check --json'],
  })
    .argument('[NAME]', 'only this provider, configured or not')
    .option('--json', 'print what was found as a JSON array')
    .addHelpText('after', '\nExit codes: 0 all of them answer, 1 one does not, or none is configured.')
    .action(
      runWith(
        cli,
        async (name: string | undefined, options: { json?: boolean }) => await checkProviders(cli, name, options.json === true),
      ),
    )
}

async function listProviders(cli: Cli, isJson: boolean): Promise<void> {
  const providers = await Array.fromAsync(cli.client().providers.list())
  if (isJson) {
    printJson(cli, providers)
    return
  }
  printLine(cli.stdout, renderProviders(providers))
  for (const note of providers.flatMap(notesOn)) printLine(cli.stderr, note)
}

export function renderProviders(providers: readonly Provider[]): string {
  return renderTable<Provider>(
    [
      { title: 'PROVIDER', value: (provider) => provider.name },
      { title: 'KIND', value: (provider) => provider.kind ?? '' },
      { title: 'STATUS', value: (provider) => provider.status },
      { title: 'WORKER', value: (provider) => (provider.served ? 'yes' : 'no') },
      { title: 'OPEN_JOBS', value: (provider) => formatCount(provider.open_jobs), align: 'right' },
      { title: 'OPEN_BATCHES', value: (provider) => formatCount(provider.open_batches), align: 'right' },
      { title: 'BASE_URL', value: (provider) => provider.base_url ?? '(its own)' },
    ],
    providers,
  )
}

/** What waits, and for what. */
function notesOn(provider: Provider): string[] {
  const { name, status, served, open_jobs: jobs, open_jobs_of_other_form: others } = provider
  const notes: string[] = []
  if (status === 'configured' && !served) notes.push(`${name}: no worker has its key: start one where it is set`)
  if (status === 'simulated' && !served) notes.push(`${name}: no worker has it as a simulated provider`)
  if (status === 'removed') notes.push(`${name}: ${countOf(jobs, 'open job')} of a provider that is not configured any more`)
  else if (status !== 'configured' && status !== 'simulated' && jobs > 0)
    notes.push(`${name}: ${countOf(jobs, 'open job')} can't go on: it is ${status}`)
  if (others > 0) {
    const form = status === 'simulated' ? 'real' : 'simulated'
    notes.push(`${name}: ${countOf(others, `${form} job`)} can't go on while it is ${form === 'real' ? '' : 'not '}simulated`)
  }
  return notes
}

async function checkProviders(cli: Cli, name: string | undefined, isJson: boolean): Promise<ExitCode> {
  const { providers } = cli.client()
  const names = name === undefined ? await configuredNames(cli) : [name]
  const checks = await Promise.all(names.map(async (one) => await providers.check(one)))
  if (isJson) printJson(cli, checks)
  else if (checks.length > 0) printLine(cli.stdout, renderChecks(checks.map(toCheckLine)))
  if (checks.length === 0)
    printLine(cli.stderr, 'No provider is configured: set a key where the worker runs, or start with `batchwright up --simulate`')
  return checks.length > 0 && checks.every(({ ok }) => ok) ? exitCodes.done : exitCodes.failed
}

async function configuredNames(cli: Cli): Promise<string[]> {
  const providers = await Array.fromAsync(cli.client().providers.list())
  return providers.filter(({ status }) => status === 'configured' || status === 'simulated').map((provider) => provider.name)
}

function toCheckLine({ provider, simulated, ok, detail, took_ms: tookMs }: ProviderCheck) {
  const answered = `answered in ${formatCount(tookMs ?? 0)} ms${simulated ? ' (simulated)' : ''}`
  return { status: ok ? ('ok' as const) : ('fail' as const), name: provider, text: detail ?? answered }
}
