import { Connection } from '@temporalio/client'

import { BatchwrightError, describeError } from '../core/errors.ts'
import { openDatabase } from '../db/database.ts'
import { ping } from '../db/ping.ts'
import { fail, ok, warn, type Finding } from './finding.ts'
import { inspectPostgresBinaries } from './postgres-binaries.ts'
import { existingPostgresUser } from './postgres-user.ts'
import { runToEnd } from './run-to-end.ts'
import { findTemporalCli } from './temporal-cli.ts'

const connectTimeoutMs = 5000

/** The database that `DATABASE_URL` names, or the binaries that `up` starts one with. */
export async function checkPostgres(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const databaseUrl = environment['DATABASE_URL']?.trim()
  return databaseUrl ? await checkDatabase(databaseUrl) : await checkBinaries()
}

async function checkDatabase(databaseUrl: string): Promise<Finding> {
  const remedy = 'start it, or set DATABASE_URL right; without DATABASE_URL, `batchwright up` brings its own Postgres'
  if (!URL.canParse(databaseUrl)) return fail('postgres', 'DATABASE_URL is no URL', remedy)
  const { host, pathname } = new URL(databaseUrl)
  const where = `${host}${pathname}`
  const database = openDatabase(databaseUrl, { maxConnections: 1, applicationName: 'batchwright doctor' })
  try {
    await within(ping(database))
    return ok('postgres', `${where} answers`)
  } catch (error) {
    if (error instanceof BatchwrightError && error.code === 'database_not_migrated')
      return warn('postgres', `${where} has no tables of ours`, 'run `batchwright migrate`; `batchwright up` does so by itself')
    return fail('postgres', `${where} can't be used: ${describeError(error)}`, remedy)
  } finally {
    await database.close()
  }
}

async function checkBinaries(): Promise<Finding> {
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? await existingPostgresUser() : undefined
  if (isRoot && user === undefined) {
    return warn(
      'postgres',
      'Postgres does not run as root, and there is no system user "postgres"',
      '`batchwright up` creates it; or run as another user, or set DATABASE_URL',
    )
  }
  try {
    const { path, fault } = await inspectPostgresBinaries(user)
    if (fault === null) return ok('postgres', path)
    const why = user === undefined ? '' : ` as user ${user.name}`
    return warn(
      'postgres',
      `${path} does not run${why} as it is (${fault})`,
      '`batchwright up` copies it to where it does, or completes what npm left undone; if that fails, set DATABASE_URL',
    )
  } catch (error) {
    if (!(error instanceof BatchwrightError)) throw error
    return fail('postgres', error.message, 'or choose a Postgres of your own with DATABASE_URL')
  }
}

/** The server that `TEMPORAL_ADDRESS` names, or the command line that `up` starts one with. */
export async function checkTemporal(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const address = environment['TEMPORAL_ADDRESS']?.trim()
  return address ? await checkServer(address, environment) : await checkCli(environment)
}

async function checkServer(address: string, environment: NodeJS.ProcessEnv): Promise<Finding> {
  const namespace = environment['TEMPORAL_NAMESPACE']?.trim() || 'default'
  const apiKey = environment['TEMPORAL_API_KEY']?.trim()
  let connection: Connection | undefined
  try {
    connection = await Connection.connect({
      address,
      connectTimeout: connectTimeoutMs,
      ...(apiKey ? { apiKey, tls: true } : {}),
    })
    const { workflowService } = connection
    await connection.withDeadline(Date.now() + connectTimeoutMs, () => workflowService.describeNamespace({ namespace }))
    return ok('temporal', `${address} answers, with namespace ${namespace}`)
  } catch (error) {
    return fail(
      'temporal',
      `${address}, namespace ${namespace}, can't be used: ${describeError(error)}`,
      'start it, or set TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE right; without TEMPORAL_ADDRESS, `batchwright up` brings its own',
    )
  } finally {
    await connection?.close()
  }
}

/** What `up` would go on to do where it finds none. */
class NotNow extends Error {}

async function checkCli(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const notNow = async (): Promise<string> => await Promise.reject(new NotNow('not tried here'))
  try {
    const { path, source } = await findTemporalCli({ env: environment, download: notNow, build: notNow })
    return ok('temporal', `${path} (${source === 'cache' ? 'from the cache' : source})`)
  } catch (error) {
    if (!(error instanceof BatchwrightError)) throw error
    if (error.code !== 'temporal_cli_not_found')
      return fail('temporal', error.message, 'set BATCHWRIGHT_TEMPORAL_CLI right, or leave it out')
    const go = await runToEnd('go', ['version'], { env: environment, timeoutMs: 10_000 })
    const build =
      go.code === 0
        ? `or builds it with ${go.stdout.trim().split(' ')[2] ?? 'Go'}, in some minutes`
        : 'and there is no Go to build it with'
    return warn(
      'temporal',
      `no Temporal CLI on PATH or in the cache; \`batchwright up\` downloads it, ${build}`,
      'install the Temporal CLI (https://docs.temporal.io/cli), or set BATCHWRIGHT_TEMPORAL_CLI to one, or TEMPORAL_ADDRESS to a server',
    )
  }
}

async function within<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new BatchwrightError('no_answer', `no answer within ${connectTimeoutMs / 1000} s`)
    timer = setTimeout(() => reject(error), connectTimeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
