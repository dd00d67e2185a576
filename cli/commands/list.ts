import { InvalidArgumentError, type Command } from 'commander'
import type { Job } from '../../client/batchwright.ts'
import type { JobStatus } from '../../core/statuses.ts'
import { firstOf, printJsonList, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { collect, parseCount, parseJobStatuses } from '../option-values.ts'
import { formatAge, formatCount, formatMoney } from '../quantities.ts'
import { renderTable, shorten } from '../table.ts'

interface ListOptions {
  status?: JobStatus[]
  name?: string
  tag?: string[]
  provider?: string
  model?: string
  createdAfter?: string
  limit: number
  json?: boolean
}

const defaultLimit = 20

export function listCommand(cli: Cli): Command {
  return createCommand({
    name: 'list',
    group: 'Jobs',
    summary: 'List jobs, newest first',
    examples: ['list', 'list --status in_progress,paused', 'list --tag team=shop --limit 100 --json'],
  })
    .option('--status <LIST>', 'only jobs of these statuses, separated by commas', parseJobStatuses)
    .option('--name <TEXT>', 'only jobs of this name')
    .option('--tag <KEY[=VALUE]>', 'only jobs with this tag; repeatable, all must match', collect)
    .option('--provider <NAME>', 'only jobs of this provider')
    .option('--model <NAME>', 'only jobs of this model')
    .option('--created-after <TIME>', 'only younger jobs, like 2026-11-21 or 2026-11-21T07:00Z', parseInstant)
    .option('--limit <N>', 'jobs at most', parseCount, defaultLimit)
    .option('--json', 'print the jobs as a JSON array')
    .action(runWith(cli, async (options: ListOptions) => await list(cli, options)))
}

async function list(cli: Cli, { limit, json, createdAfter, ...filters }: ListOptions): Promise<void> {
  const jobs = cli.client().jobs.list({ ...filters, created_after: createdAfter, limit: Math.min(limit + 1, 1000) })
  if (json === true) {
    await printJsonList(cli, firstOf(jobs, limit))
    return
  }
  // One more than asked for tells whether there are more.
  const found = await Array.fromAsync(firstOf(jobs, limit + 1))
  if (found.length === 0) {
    printLine(cli.stderr, 'No jobs.')
    return
  }
  printLine(cli.stdout, renderJobs(found.slice(0, limit), Date.now()))
  if (found.length > limit) printLine(cli.stderr, `There are more: --limit ${limit * 5}`)
}

export function renderJobs(jobs: readonly Job[], nowMs: number): string {
  return renderTable<Job>(
    [
      { title: 'ID', value: (job) => job.id },
      { title: 'NAME', value: (job) => shorten(job.name ?? '', 30) },
      { title: 'STATUS', value: statusText },
      { title: 'DONE', value: (job) => `${formatCount(job.progress.done)}/${formatCount(job.progress.total)}`, align: 'right' },
      { title: 'FAILED', value: (job) => formatCount(job.progress.failed), align: 'right' },
      { title: 'MODEL', value: (job) => [job.provider, job.model].filter((part) => part !== null).join('/') },
      { title: 'COST', value: (job) => `${formatMoney(job.cost_usd)}${job.simulated ? ' sim.' : ''}`, align: 'right' },
      { title: 'CREATED', value: (job) => formatAge(job.created_at, nowMs) },
    ],
    jobs,
  )
}

function statusText({ status, pause, draft }: Job): string {
  if (draft !== null) return `${status} (draft)`
  return status === 'paused' ? `paused (${pause?.reason ?? 'user'})` : status
}

function parseInstant(text: string): string {
  const timeMs = Date.parse(text)
  if (Number.isNaN(timeMs)) throw new InvalidArgumentError('Write a time like 2026-11-21 or 2026-11-21T07:00Z.')
  return new Date(timeMs).toISOString()
}
