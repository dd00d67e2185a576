import { Counter, Gauge, type Registry } from '@prometheus-io/client'
import { batchStatuses, isTerminalJobStatus, jobStatuses, pauseReasons } from '../core/statuses.ts'
import type { Lane } from '../core/task-queues.ts'
import type { DatabaseMetrics } from '../db/metrics.ts'

/** In open batches only. */
const openBatchStatuses = batchStatuses.filter((status) => status !== 'ended')
const openSubmissionStates = ['intended', 'sending', 'quarantined'] as const

export interface JobMetrics {
  /** Null: the database did not answer. What it would tell is then absent, not stale. */
  set(found: DatabaseMetrics | null): void
}

/**
 * What the database tells, as metrics. Zeros are said for every status, for each of `lanes`, and for the provider of each job that is not over, so that
 * an alert sees a value before the first job, and also where only workers know a provider's key. An
 * amount of money is rounded to a float here, and only here.
 */
export function createJobMetrics(registry: Registry, lanes: readonly Lane[]): JobMetrics {
  const registers = [registry]
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge<Label>({ name: `batchwright_${name}`, help, labelNames, registers })
  const lane = ['provider', 'simulated'] as const
  const up = gauge('database_up', 'Whether Postgres answered this scrape in time; if not, what only it knows is absent.')
  const jobs = gauge('jobs', 'Jobs by status; draft: their items still come in by parts.', ['status'])
  const paused = gauge('paused_jobs', 'Paused jobs by reason.', ['reason'])
  const items = gauge('items', 'Items by status; pending and submitted: of jobs that are not over.', ['status'])
  const batches = gauge('batches', 'Open batches.', [...lane, 'status'])
  const tickets = gauge('tickets', 'Batches that wait for room at their provider.', lane)
  const oldest = gauge('oldest_ticket_age_seconds', 'How long the first of them has waited.', lane)
  const leases = gauge('leases', 'Batches that take room at their provider.', [...lane, 'model'])
  const leased = gauge('leased_tokens', 'Estimated tokens that are enqueued at the provider.', [...lane, 'model'])
  const submissions = gauge(
    'submissions',
    'Submissions of which it is open whether they made a batch; quarantined: a person decides.',
    [...lane, 'state'],
  )
  const cost = gauge('jobs_cost_dollars', 'What the jobs that are kept cost; simulated: not spent.', lane)
  const booked = new Counter({
    name: 'batchwright_cost_dollars_total',
    help: 'What batches cost that have ended, by the ledger, which outlives its jobs; simulated: not spent.',
    labelNames: ['simulated'],
    registers,
  })
  const workers = gauge('workers', 'Workers that serve a provider.', lane)
  const all = [jobs, paused, items, batches, tickets, oldest, leases, leased, submissions, cost, booked, workers]

  return {
    set(found) {
      for (const metric of all) metric.reset()
      up.set(found === null ? 0 : 1)
      if (found === null) return
      for (const status of [...jobStatuses, 'draft']) jobs.set({ status }, 0)
      for (const reason of pauseReasons) paused.set({ reason }, 0)
      const waiting = found.jobs.filter(({ status }) => status !== 'draft' && !isTerminalJobStatus(status))
      for (const one of [...lanes, ...waiting].map(labelsOf)) {
        for (const status of openBatchStatuses) batches.set({ ...one, status }, 0)
        for (const state of openSubmissionStates) submissions.set({ ...one, state }, 0)
        for (const metric of [tickets, oldest, cost, workers]) metric.set(one, 0)
      }
      for (const row of found.jobs) {
        jobs.inc({ status: row.status }, row.jobs)
        if (row.status === 'paused' && row.pauseReason !== null) paused.inc({ reason: row.pauseReason }, row.jobs)
        cost.inc(labelsOf(row), dollars(row.costNanos))
      }
      for (const [status, count] of Object.entries(found.items)) items.set({ status }, count)
      for (const row of found.batches) batches.set({ ...labelsOf(row), status: row.status }, row.batches)
      for (const row of found.tickets) {
        tickets.set(labelsOf(row), row.tickets)
        oldest.set(labelsOf(row), row.oldestSeconds)
      }
      for (const { model, ...row } of found.leases) {
        leases.set({ ...labelsOf(row), model }, row.batches)
        leased.set({ ...labelsOf(row), model }, row.tokens)
      }
      for (const row of found.submissions) submissions.set({ ...labelsOf(row), state: row.state }, row.submissions)
      for (const { simulated, nanos } of found.booked) booked.inc({ simulated: String(simulated) }, dollars(nanos))
      for (const row of found.workers) workers.set(labelsOf(row), row.workers)
    },
  }
}

function labelsOf({ provider, simulated }: Lane): { provider: string; simulated: string } {
  return { provider, simulated: String(simulated) }
}

function dollars(nanos: bigint): number {
  return Number(nanos) / 1e9
}
