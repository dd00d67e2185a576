import type { Command } from 'commander'
import { BatchwrightError, describeError } from '../../core/errors.ts'
import { printJson, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'

const connectTimeoutMs = 5000

export function migrateCommand(cli: Cli): Command {
  return createCommand({
    name: 'migrate',
    group: 'Processes',
    summary: "Bring the database to this version's schema, and register the search attributes at Temporal",
    examples: ['migrate', 'migrate --config batchwright.yaml'],
  })
    .option('--config <FILE>', 'default: batchwright.yaml in the current folder, if there is one')
    .option('--json', 'print what was done as JSON')
    .addHelpText('after', '\nNeeds DATABASE_URL; uses TEMPORAL_ADDRESS. Safe to run twice, and from several machines at once.')
    .action(
      runWith(cli, async ({ config, json }: { config?: string; json?: boolean }) => {
        const searchAttributes = await migrateAll(cli, config)
        if (json === true) printJson(cli, { database: 'up to date', search_attributes: searchAttributes })
      }),
    )
}

/** What became of the search attributes; whatever goes wrong with the database, throws. */
type Registration = 'registered' | 'not_registered' | 'temporal_unreachable'

async function migrateAll(cli: Cli, configFile: string | undefined): Promise<Registration> {
  const [{ migrate }, { loadConfig, requireDatabaseUrl }] = await Promise.all([
    import('../../db/migrate.ts'),
    import('../../config/config.ts'),
  ])
  const config = loadConfig({ file: configFile })
  try {
    await migrate(requireDatabaseUrl(config))
  } catch (error) {
    if (error instanceof BatchwrightError) throw error
    throw new BatchwrightError(
      'database_unavailable',
      `the database at DATABASE_URL can't be migrated: ${describeError(error)}`,
      { cause: error },
    )
  }
  printLine(cli.stderr, 'Database: up to date')
  const { address, namespace, apiKey } = config.temporal
  return await registerAt(cli, { address, namespace, apiKey: apiKey?.reveal() })
}

/** Without them jobs run as well, so a Temporal that can't be reached is a warning. */
async function registerAt(
  cli: Cli,
  temporal: { address: string; namespace: string; apiKey: string | undefined },
): Promise<Registration> {
  const { address, namespace, apiKey } = temporal
  const [{ Connection }, { registerSearchAttributes }] = await Promise.all([
    import('@temporalio/client'),
    import('../../local/search-attributes.ts'),
  ])
  try {
    const connection = await Connection.connect({
      address,
      connectTimeout: connectTimeoutMs,
      ...(apiKey === undefined ? {} : { apiKey, tls: true }),
    })
    try {
      const isRegistered = await registerSearchAttributes(connection, namespace, (line) => printLine(cli.stderr, line))
      if (isRegistered) printLine(cli.stderr, `Temporal: search attributes are registered in namespace "${namespace}"`)
      return isRegistered ? 'registered' : 'not_registered'
    } finally {
      await connection.close()
    }
  } catch (error) {
    printLine(
      cli.stderr,
      `Temporal at ${address} is not reachable, so the search attributes are not registered (${describeError(error)}): jobs run without them; run \`batchwright migrate\` again when it is there`,
    )
    return 'temporal_unreachable'
  }
}
