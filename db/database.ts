import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { createSocketConnector } from './connect-socket.ts'
import { withSafeTransactions } from './lost-connection.ts'
import * as schema from './schema.ts'

export type Drizzle = PostgresJsDatabase<typeof schema>
/** Inside `drizzle.transaction`, or outside of one. */
export type Query = Pick<Drizzle, 'select' | 'selectDistinct' | 'insert' | 'update' | 'delete' | 'execute'>

/**
 * Two ways into one Postgres: Drizzle for typed queries, and postgres.js itself (`sql`) for COPY, cursors, LISTEN and bulk arrays.
 * `sql` returns int8 as bigint and timestamps as Dates.
 */
export interface Database {
  readonly drizzle: Drizzle
  readonly sql: Sql
  close(): Promise<void>
}
export type Sql = postgres.Sql<{ bigint: bigint }>
/** Inside `sql.begin`. */
export type Transaction = postgres.TransactionSql<{ bigint: bigint }>

export interface DatabaseOptions {
  /** Connections of this process to Postgres, at most. */
  maxConnections?: number
  applicationName?: string
  onNotice?: (message: string) => void
}

export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const max = options.maxConnections ?? 10
  const common = {
    idle_timeout: 60,
    connect_timeout: 10,
    connection: { application_name: options.applicationName ?? 'batchwright' },
    socket: createSocketConnector(),
    // postgres.js (3.4) drops the promise of the look-up of array types that it does on every new connection: if Postgres goes away just then,
    // the rejection ends the process (https://github.com/porsager/postgres/issues/1192). Without the look-up, the arrays that we send are told here.
    fetch_types: false,
    onnotice: (notice: postgres.Notice) => options.onNotice?.(String(notice['message'])),
  }
  const sql = withSafeTransactions(postgres(url, { ...common, max, types: { ...arrayTypes, bigint: postgres.BigInt } }))
  // Drizzle replaces the date parsers of the client that it is given, so it gets one of its own. Connections open on demand.
  const drizzleClient = withSafeTransactions(postgres(url, { ...common, max, types: arrayTypes }))
  return {
    drizzle: drizzle(drizzleClient, { schema }),
    sql,
    async close() {
      await Promise.all([sql.end({ timeout: 5 }), drizzleClient.end({ timeout: 5 })])
    },
  }
}

/** Arrays as parameters: `text[]` and `int[]`. Any other is refused by Postgres as a malformed literal; as a column, an array comes as its text. */
const arrayTypes = { texts: arrayType(1009), integers: arrayType(1007) }

function arrayType(oid: number) {
  const quoted = (value: string | number) => `"${String(value).replaceAll(/["\\]/g, String.raw`\$&`)}"`
  return {
    to: oid,
    from: [],
    serialize: (values: readonly (string | number | null)[]) =>
      `{${values.map((value) => (value === null ? 'null' : quoted(value))).join(',')}}`,
    parse: (text: string) => text,
  }
}

/** The SQLSTATE of an error from Postgres, however deep it is wrapped, or null. */
export function sqlState(error: unknown): string | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof postgres.PostgresError) return current.code
  }
  return null
}

export const uniqueViolation = '23505'
export const deadlockDetected = '40P01'
