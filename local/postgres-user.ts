import { BatchwrightError } from '../core/errors.ts'
import { runToEnd } from './run-to-end.ts'

export type SystemUser = { name: string; uid: number; gid: number }

/**
 * Who Postgres runs as: `undefined` means as ourselves. Postgres refuses to run as root
 * (https://www.postgresql.org/docs/18/server-start.html), so root gets the system user `postgres` (macOS ships `_postgres`), which
 * is created if it is missing. Throws `postgres_user_missing`.
 */
export async function findPostgresUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const existing = await existingPostgresUser()
  if (existing !== undefined) return existing

  const created = await runToEnd('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    'postgres',
  ])
  // Someone else may have created it at the same moment; what counts is that it is there.
  const user = await lookUpUser('postgres')
  if (user !== undefined) return user
  throw new BatchwrightError(
    'postgres_user_missing',
    `Postgres does not run as root and the system user "postgres" could not be created (${created.stderr.trim()}): create it, run as another user, or set DATABASE_URL`,
  )
}

/** The system user that root runs Postgres as, if it is there already. */
export async function existingPostgresUser(): Promise<SystemUser | undefined> {
  return (await lookUpUser('postgres')) ?? (await lookUpUser('_postgres'))
}

async function lookUpUser(name: string): Promise<SystemUser | undefined> {
  const [uid, gid] = await Promise.all([runToEnd('id', ['-u', name]), runToEnd('id', ['-g', name])])
  if (uid.code !== 0 || gid.code !== 0) return undefined
  return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) }
}
