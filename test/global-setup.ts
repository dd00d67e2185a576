import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode } from '@temporalio/worker'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { migrate } from '../db/migrate.ts'
import { startTestServices } from '../local/test-services.ts'

/** Test files that use Temporal get a namespace each, so that their janitors don't meet. */
const namespaces = 42
const dynamicConfig = {
  // Far below the server's default of 4,096, so that tests see workflows continue as new.
  'limit.historyCount.suggestContinueAsNew': 150,
}
export const templateDatabase = 'batchwright_template'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A superuser's URL; test files make databases of their own from the template. */
    adminDatabaseUrl: string
    temporalAddress: string
    namespaces: string[]
    workflowBundle: string
  }
}

/** Starts what all test files share, once a run: one Postgres with a migrated template, one Temporal dev server, one workflow bundle. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [services, bundle] = await Promise.all([
    startTestServices({ namespaces, dynamicConfig }),
    bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)), logger: quiet }),
  ])
  const directory = await mkdtemp(join(tmpdir(), 'batchwright-bundle-'))
  const bundlePath = join(directory, 'workflow-bundle.js')
  await writeFile(bundlePath, bundle.code)
  const admin = postgres(services.databaseUrl, { max: 1, onnotice: () => {} })
  await admin.unsafe(`create database ${templateDatabase}`)
  await admin.unsafe('create sequence test_namespace')
  await admin.end()
  const url = new URL(services.databaseUrl)
  url.pathname = `/${templateDatabase}`
  await migrate(url.href)
  project.provide('adminDatabaseUrl', services.databaseUrl)
  project.provide('temporalAddress', services.temporalAddress)
  project.provide('namespaces', [...services.namespaces])
  project.provide('workflowBundle', bundlePath)
  return async () => {
    await services.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error }
