import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rooms } from '../lint/import-table.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Each: a file of a room, one statement, and whether the lint rules let it pass. */
const cases: [file: string, statement: string, allowed: boolean][] = [
  ['core/a.ts', `import { b } from './b.ts'`, true],
  ['core/a.ts', `import { z } from 'zod'`, true],
  ['core/a.ts', `import { jobs } from '../db/schema.ts'`, false],
  ['core/a.ts', `import type { Job } from '../db/schema.ts'`, false],
  ['core/a.ts', `export * from '../formats/openai.ts'`, false],
  ['core/a.ts', `import { readFileSync } from 'node:fs'`, false],
  ['core/a.ts', `import { readFileSync } from 'fs'`, false],
  ['core/a.ts', `import version from '../package.json' with { type: 'json' }`, false],
  ['core/a.ts', `export const now = process.hrtime()`, false],
  ['core/a.test.ts', `import { readFileSync } from 'node:fs'`, true],

  ['formats/a.ts', `import { b } from '../core/b.ts'`, true],
  ['formats/a.ts', `import { Buffer } from 'node:buffer'`, true],
  ['formats/a.ts', `import { lookUp } from '../models/catalog.ts'`, false],
  ['models/a.ts', `import { money } from '../core/money.ts'`, true],
  ['models/a.ts', `import { canonical } from '../formats/canonical.ts'`, false],

  ['workflows/a.ts', `import { cadence } from '../core/poll-cadence.ts'`, true],
  ['workflows/a.ts', `import { sleep } from '@temporalio/workflow'`, true],
  ['workflows/a.ts', `import type { createPollActivities } from '../activities/poll.ts'`, true],
  ['workflows/a.ts', `import { createPollActivities } from '../activities/poll.ts'`, false],
  ['workflows/a.ts', `import { type PollActivities } from '../activities/poll.ts'`, false],
  ['workflows/a.ts', `export const load = () => import('../activities/poll.ts')`, false],
  ['workflows/a.ts', `import type { Row } from '../db/schema.ts'`, false],
  ['workflows/a.ts', `import { randomUUID } from 'node:crypto'`, false],
  ['workflows/a.ts', `import { Client } from '@temporalio/client'`, false],
  ['workflows/a.ts', `export const answer = fetch('http://127.0.0.1')`, false],
  ['workflows/a.ts', `export const address = process.env.TEMPORAL_ADDRESS`, false],
  ['workflows/a.ts', `export const timer = setTimeout(() => 1, 1)`, false],

  ['activities/a.ts', `import { openai } from '../providers/openai/index.ts'`, true],
  ['activities/a.ts', `import { Client } from '@temporalio/client'`, true],
  ['activities/a.ts', `import OpenAI from 'openai'`, false],
  ['activities/a.ts', `import { eq } from 'drizzle-orm'`, false],
  ['activities/a.ts', `import postgres from 'postgres'`, false],
  ['activities/a.ts', `import { app } from '../api/app.ts'`, false],
  ['activities/a.ts', `import type { Messages } from '../workflows/messages.ts'`, false],

  ['providers/openai/a.ts', `import OpenAI from 'openai'`, true],
  ['providers/openai/a.ts', `import { toFile } from 'openai/uploads'`, true],
  ['providers/openai/a.ts', `import type { Provider } from '../provider.ts'`, true],
  ['providers/openai/a.ts', `import { lookUp } from '../../models/catalog.ts'`, true],
  ['providers/openai/a.ts', `import { jobs } from '../../db/schema.ts'`, false],
  ['providers/openai/a.ts', `import { heartbeat } from '@temporalio/activity'`, false],

  ['recipes/classify/a.ts', `import { b } from '../../core/b.ts'`, true],
  ['recipes/classify/a.ts', `import { jobs } from '../../db/schema.ts'`, false],

  ['db/a.ts', `import { eq } from 'drizzle-orm'`, true],
  ['db/a.ts', `import { pgTable } from 'drizzle-orm/pg-core'`, true],
  ['db/a.ts', `import { b } from '../core/b.ts'`, true],
  ['db/a.ts', `import { loadConfig } from '../config/load.ts'`, false],

  ['api/a.ts', `import { insertItems } from '../db/items.ts'`, true],
  ['api/a.ts', `import { jobContract } from './contracts/job.ts'`, true],
  ['api/a.ts', `import type { Messages } from '../workflows/messages.ts'`, true],
  ['api/a.ts', `import { messages } from '../workflows/messages.ts'`, false],
  ['api/a.ts', `import { openai } from '../providers/openai/index.ts'`, false],
  ['api/a.ts', `import { submit } from '../activities/submit.ts'`, false],
  ['api/contracts/a.ts', `import { jobSpec } from '../../core/job-spec.ts'`, true],
  ['api/contracts/a.ts', `import { insertItems } from '../../db/items.ts'`, false],
  ['api/contracts/a.ts', `import { app } from '../app.ts'`, false],

  ['client/a.ts', `import { jobContract } from '../api/contracts/job.ts'`, true],
  ['client/a.ts', `import { b } from '../core/b.ts'`, true],
  ['client/a.ts', `import { app } from '../api/app.ts'`, false],
  ['client/a.ts', `import type { App } from '../api/app.ts'`, false],

  ['cli/commands/a.ts', `import { client } from '../../client/client.ts'`, true],
  ['cli/commands/a.ts', `import { output } from '../output.ts'`, true],
  ['cli/commands/a.ts', `import { app } from '../../api/app.ts'`, false],
  ['cli/commands/a.ts', `export const load = () => import('../../db/migrate.ts')`, false],
  ['cli/commands/a.ts', `import { Client } from '@temporalio/client'`, false],
  ['cli/processes/a.ts', `export const load = () => import('../../worker/main.ts')`, true],
  ['cli/processes/a.ts', `import type { WorkerOptions } from '../../worker/main.ts'`, true],
  ['cli/processes/a.ts', `import { runWorker } from '../../worker/main.ts'`, false],

  ['worker/a.ts', `import { submit } from '../activities/submit.ts'`, true],
  ['worker/a.ts', `import { loadConfig } from '../config/load.ts'`, true],
  ['worker/a.ts', `import { app } from '../api/app.ts'`, false],
  ['worker/a.ts', `import { output } from '../cli/output.ts'`, false],
  ['worker/a.ts', `import OpenAI from 'openai'`, false],

  ['config/a.ts', `import { durations } from '../core/durations.ts'`, true],
  ['config/a.ts', `import { lookUp } from '../models/catalog.ts'`, true],
  ['config/a.ts', `import { jobs } from '../db/schema.ts'`, false],

  ['simulator/a.ts', `import { createServer } from 'node:http'`, true],
  ['simulator/a.ts', `import type OpenAI from 'openai'`, true],
  ['simulator/a.ts', `import OpenAI from 'openai'`, false],
  ['simulator/a.ts', `import { b } from '../core/b.ts'`, false],
  ['simulator/a.ts', `import type { B } from '../core/b.ts'`, false],

  ['local/a.ts', `import { startSimulator } from '../simulator/start.ts'`, true],
  ['local/a.ts', `import OpenAI from 'openai'`, false],
  ['bench/a.ts', `import postgres from 'postgres'`, true],
  ['bench/a.ts', `import { app } from '../api/app.ts'`, true],
  ['examples/a.ts', `import { start } from '../local/start.ts'`, true],
  ['test/a.ts', `import OpenAI from 'openai'`, true],
  ['test/a.ts', `import { app } from '../api/app.ts'`, true],
  ['lint/a.ts', `import { b } from '../core/b.ts'`, false],
  ['tools/a.ts', `import { b } from '../core/b.ts'`, false],

  ['attic/a.ts', `import { b } from '../core/b.ts'`, false],
]

// The rules that this test is about; that a fixture's import is unused, or leads nowhere, is not.
const rules = ['house(import-table)', 'eslint(no-restricted-globals)']

let house: string
const problems = new Map<string, string[]>()

beforeAll(async () => {
  house = mkdtempSync(join(tmpdir(), 'import-table-'))
  cpSync(join(root, '.oxlintrc.json'), join(house, '.oxlintrc.json'))
  cpSync(join(root, 'lint'), join(house, 'lint'), { recursive: true })
  for (const [index, [file, statement]] of cases.entries()) {
    const path = join(house, fixture(file, index))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `${statement}\n`)
  }
  // One run for all cases: starting oxlint costs more than linting them.
  const output = await new Promise<string>((done, fail) => {
    execFile(
      process.execPath,
      [join(root, 'node_modules/oxlint/bin/oxlint'), '-f', 'json'],
      { cwd: house },
      (error, stdout, stderr) => {
        // Exit code 1 means that problems were found, which most cases want.
        if (error !== null && error.code !== 1) fail(new Error(stderr, { cause: error }))
        else done(stdout)
      },
    )
  })
  const report = JSON.parse(output) as { diagnostics: { code: string; filename: string; message: string }[] }
  for (const { code, filename, message } of report.diagnostics) {
    if (rules.includes(code)) problems.set(filename, [...(problems.get(filename) ?? []), message])
  }
})

afterAll(() => rmSync(house, { recursive: true }))

/** Each case has a file of its own, beside the one that it is named after. */
function fixture(file: string, index: number): string {
  return file.replace(/a(\.test)?\.ts$/, `fixture-${index}$1.ts`)
}

test.for(cases.map(([file, statement, allowed], index) => ({ file, statement, allowed, index })))(
  '$file: $statement (allowed: $allowed)',
  ({ file, allowed, index }) => {
    expect(problems.get(fixture(file, index)) ?? []).toHaveLength(allowed ? 0 : 1)
  },
)

test('each room has a case that passes and one that does not', () => {
  const seen = (allowed: boolean) => new Set(cases.filter((each) => each[2] === allowed).map(([file]) => dirname(file)))
  const folders = (room: string, files: Set<string>) =>
    [...files].some((folder) => folder === room || folder.startsWith(`${room}/`))
  // These may import everything, or nothing at all.
  const free = ['bench', 'examples', 'test', 'docs', 'lint', 'tools', 'cli']
  const without = Object.keys(rooms).filter(
    (room) => !free.includes(room) && !(folders(room, seen(true)) && folders(room, seen(false))),
  )
  expect(without).toEqual([])
})
