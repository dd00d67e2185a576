import type { Batchwright, Job } from '../client/batchwright.ts'
import { BatchwrightError } from '../core/errors.ts'
import { jobIdPattern, parseWorkflowId } from '../core/job-id.ts'
import { firstOf } from './cli.ts'
import { formatAge } from './quantities.ts'
import { oneLine } from './table.ts'

const prefixPattern = /^[2-9a-hjkmnp-z]{1,11}$/
const candidatesShown = 5

/**
 * The job that a word on the command line names: its id, a prefix of its id that no other has, its name, or (as the Temporal UI shows it) its
 * workflow id. Throws `job_not_found` or `ambiguous_job`.
 */
export async function findJob(client: Batchwright, reference: string): Promise<Job> {
  const id = parseWorkflowId(reference)?.jobId ?? reference
  if (jobIdPattern.test(id)) {
    try {
      return await client.jobs.get(id)
    } catch (error) {
      if (!(error instanceof BatchwrightError) || error.code !== 'job_not_found') throw error
    }
  }
  const limit = candidatesShown + 1
  const byName = await Array.fromAsync(firstOf(client.jobs.list({ name: reference, limit }), limit))
  const byPrefix = prefixPattern.test(id) ? await Array.fromAsync(firstOf(client.jobs.list({ id_prefix: id, limit }), limit)) : []
  const candidates = [...new Map([...byName, ...byPrefix].map((job) => [job.id, job])).values()]
  return oneOf(reference, candidates, Date.now())
}

/** The only candidate; otherwise an error of one line that says which there are. */
export function oneOf(reference: string, candidates: readonly Job[], nowMs: number): Job {
  const [job, ...others] = candidates
  if (job === undefined)
    throw new BatchwrightError('job_not_found', `there is no job "${oneLine(reference)}"; see \`batchwright list\``)
  if (others.length === 0) return job
  const shown = candidates.slice(0, candidatesShown).map(
    (one) =>
      `${one.id} (${[one.name, one.status, formatAge(one.created_at, nowMs)]
        .filter((part) => part !== null)
        .map(oneLine)
        .join(', ')})`,
  )
  const more = candidates.length > candidatesShown ? ', …' : ''
  throw new BatchwrightError(
    'ambiguous_job',
    `"${oneLine(reference)}" names more than one job: ${shown.join(', ')}${more}; give more of the id`,
    {
      details: { candidates: candidates.map((one) => one.id) },
    },
  )
}
