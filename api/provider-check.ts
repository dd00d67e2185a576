import { keyVariable, type ProviderConfig } from '../config/config.ts'
import { isLaneServed } from '../db/workers.ts'
import type { CheckProblem, ProviderCheck } from './contracts/providers.ts'
import type { Dependencies } from './dependencies.ts'
import type { JobWorkflows } from './job-workflows.ts'
import { servedWithinMs } from './served-lanes.ts'

type Checked = NonNullable<Awaited<ReturnType<JobWorkflows['checkProvider']>>>
type Failed = Extract<Checked, { result: 'failed' }>

/** Has a worker call the provider. Everything that can be wrong is an answer; throws only what any route does (`temporal_unavailable`). */
export async function checkProvider({ database, temporal }: Dependencies, provider: ProviderConfig): Promise<ProviderCheck> {
  const { name, simulated } = provider
  const found = (problem: CheckProblem | null, detail: string | null, tookMs: number | null): ProviderCheck => ({
    provider: name,
    simulated,
    ok: problem === null,
    problem,
    detail,
    took_ms: tookMs,
  })
  if (!provider.enabled)
    return found('unconfigured', `it is switched off: set providers.${name}.enabled in batchwright.yaml`, null)
  const lane = { provider: name, simulated }
  if (!(await isLaneServed(database, lane, servedWithinMs))) {
    return provider.configured
      ? found('no_worker', noWorker(provider), null)
      : found('unconfigured', `it has no key: set ${keyPlace(provider)} where the worker runs, and restart the worker`, null)
  }
  const checked = await temporal.checkProvider(lane)
  switch (checked?.result) {
    case 'ok':
      return found(null, null, checked.tookMs)
    case 'failed':
      return found(problemOf(checked), describeFailure(provider, checked), checked.tookMs)
    case 'activity_failed':
      return found('unavailable', `the worker could not finish the call: ${checked.message}; its log says more`, null)
    case 'not_served':
    case undefined:
      return found('no_worker', noWorker(provider), null)
  }
}

function noWorker(provider: ProviderConfig): string {
  return provider.simulated
    ? 'no worker with it as a simulated provider took the call: start one with `batchwright up --simulate`'
    : `no worker with its key took the call: set ${keyPlace(provider)} where the worker runs, and start it with \`batchwright worker\` or \`batchwright up\``
}

function keyPlace(provider: ProviderConfig): string {
  return keyVariable(provider) ?? `providers.${provider.name}.api_key`
}

function problemOf({ kind, httpStatus }: Failed): CheckProblem {
  switch (kind) {
    case 'auth':
      return 'auth'
    case 'not_found':
      return 'wrong_address'
    case 'rate_limited':
      return 'unavailable'
    case 'transient':
    case 'incomplete':
      return httpStatus === null ? 'unreachable' : 'unavailable'
    case 'invalid':
      return 'refused'
  }
}

function describeFailure(provider: ProviderConfig, failed: Failed): string {
  const problem = problemOf(failed)
  const address = `base_url (${provider.baseUrl === null ? "the provider's own" : `providers.${provider.name}.base_url or the environment`})`
  switch (problem) {
    case 'auth':
      return `the key was refused, or its account can't pay: ${failed.message}; set a good one in ${keyPlace(provider)} where the worker runs, and restart the worker`
    case 'wrong_address':
      return `there is no batch API at its address: ${failed.message}; check its ${address}`
    case 'unreachable':
      return `no usable answer: ${failed.message}; check its ${address}, and whether the worker's machine reaches it`
    case 'unavailable':
      return `it does not take calls at the moment: ${failed.message}; try again in a while, jobs do so by themselves`
    case 'refused':
      return `it refused to list batches: ${failed.message}; check that it has a batch API, and its ${address}`
    case 'unconfigured':
    case 'no_worker':
      return failed.message
  }
}
