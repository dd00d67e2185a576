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
    onnotice: (notice: postgres.Notice) => options.onNotice?.(String(notice['message'])),
  }
  const sql = withSafeTransactions(postgres(url, { ...common, max, types: { bigint: postgres.BigInt } }))
  // Drizzle replaces the date parsers of the client that it is given, so it gets one of its own. Connections open on demand.
  const drizzleClient = withSafeTransactions(postgres(url, { ...common, max }))
  return {
    drizzle: drizzle(drizzleClient, { schema }),
    sql,
    async close() {
      await Promise.all([sql.end({ timeout: 5 }), drizzleClient.end({ timeout: 5 })])
    },
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
