import type { ProviderConfig } from '../config/config.ts'
import type { Lane } from '../core/task-queues.ts'
import { urlWithoutSecrets } from '../core/url-without-secrets.ts'
import { countOpenBatches } from '../db/batch-listing.ts'
import { countOpenJobs } from '../db/jobs.ts'
import { listServedLanes } from '../db/workers.ts'
import {
  providerCheckSchema,
  providerListSchema,
  providerParams,
  type Provider,
  type ProviderStatus,
} from './contracts/providers.ts'
import type { Dependencies } from './dependencies.ts'
import { findProvider } from './find-provider.ts'
import { checkProvider } from './provider-check.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'
import { servedWithinMs } from './served-lanes.ts'

/** `/v1/providers`: which ones there are and what waits for them, and a call that tries one. */
export function addProviderRoutes(router: Router, dependencies: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/providers',
      summary: 'The providers, whether a worker has them, and what is open at them',
      tag: 'providers',
      responses: { 200: jsonAnswer(providerListSchema, 'All of them.') },
    },
    async ({ context }) => context.json({ data: await listProviders(dependencies), next_cursor: null }),
  )
  addRoute(
    router,
    {
      method: 'post',
      path: '/v1/providers/{name}/check',
      summary: 'Have a worker call a provider, and say what is wrong',
      description: 'Lists its latest batches, which costs nothing. Takes as long as the provider does, and 45 seconds at most.',
      tag: 'providers',
      params: providerParams,
      responses: { 200: jsonAnswer(providerCheckSchema, 'What came of it, good or bad.') },
    },
    async ({ context, params }) =>
      context.json(await checkProvider(dependencies, findProvider(dependencies.config.providers, params.name))),
  )
}

async function listProviders({ database, config }: Dependencies): Promise<Provider[]> {
  const [served, jobs, batches] = await Promise.all([
    listServedLanes(database, servedWithinMs),
    countOpenJobs(database),
    countOpenBatches(database),
  ])
  const known = config.providers.map((provider) => {
    const isServed = served.some(isOf(provider.name, provider.simulated))
    return {
      name: provider.name,
      kind: provider.kind,
      status: statusOf(provider, isServed),
      base_url: provider.baseUrl === null ? null : urlWithoutSecrets(provider.baseUrl),
      served: isServed,
      open_jobs: jobs.find(isOf(provider.name, provider.simulated))?.jobs ?? 0,
      open_batches: batches.find(isOf(provider.name, provider.simulated))?.batches ?? 0,
      open_jobs_of_other_form: jobs.find(isOf(provider.name, !provider.simulated))?.jobs ?? 0,
    }
  })
  const names = new Set(known.map(({ name }) => name))
  const removed = Map.groupBy(
    jobs.filter(({ provider }) => !names.has(provider)),
    ({ provider }) => provider,
  )
  return [...known, ...[...removed].map(([name, lanes]) => removedProvider(name, lanes, batches))]
}

function removedProvider(
  name: string,
  jobs: ReadonlyArray<{ jobs: number }>,
  batches: ReadonlyArray<Lane & { batches: number }>,
): Provider {
  const ofIt = batches.filter(({ provider }) => provider === name)
  return {
    name,
    kind: null,
    status: 'removed',
    base_url: null,
    served: false,
    open_jobs: jobs.reduce((sum, lane) => sum + lane.jobs, 0),
    open_batches: ofIt.reduce((sum, lane) => sum + lane.batches, 0),
    open_jobs_of_other_form: 0,
  }
}

function isOf(name: string, simulated: boolean): (lane: Lane) => boolean {
  return (lane) => lane.provider === name && lane.simulated === simulated
}

/** A key at the worker alone is enough, as it is for creating jobs. */
function statusOf({ enabled, simulated, configured }: ProviderConfig, isServed: boolean): ProviderStatus {
  if (!enabled) return 'disabled'
  if (simulated) return 'simulated'
  return configured || isServed ? 'configured' : 'unconfigured'
}
