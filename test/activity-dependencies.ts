import { Connection, WorkflowClient } from '@temporalio/client'
import type { ActivityDependencies } from '../activities/dependencies.ts'
import { loadConfig } from '../config/config.ts'
import type { Database } from '../db/database.ts'
import { loadCatalog } from '../models/catalog.ts'
import { createProviderRegistry } from '../providers/registry.ts'
import { activitySettings } from '../worker/activity-settings.ts'
import { providerSettings } from '../worker/provider-settings.ts'

/** What a worker with these variables gives its activities. No workflow is told anything: nobody else waits. */
export function activityDependencies(
  database: Database,
  environment: Record<string, string>,
  directory = '/nowhere',
): ActivityDependencies {
  const config = loadConfig({ directory, environment })
  return {
    database,
    providers: createProviderRegistry(providerSettings(config), loadCatalog(config.models)),
    workflows: new WorkflowClient({ connection: Connection.lazy() }),
    settings: { ...activitySettings(config), spoolDirectory: directory, searchAttributes: false },
    logger: { info() {}, warn() {}, error() {} },
    redact: (text) => text,
    reach: () => {},
  }
}
