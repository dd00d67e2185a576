import { z } from 'zod'
import { deleteJob } from '../db/job-deletion.ts'
import { findJob, listJobs } from '../db/jobs.ts'
import { jobListSchema, jobParams, jobSchema, listJobsQuery } from './contracts/jobs.ts'
import { isBeingCancelled, refusal } from './commands.ts'
import { decodeCursor, toPage } from './cursors.ts'
import type { Dependencies } from './dependencies.ts'
import { toJobJson } from './job-json.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'
import { isStorable } from './uploads/storable-text.ts'

const jobCursor = z.strictObject({ created_at: z.iso.datetime(), id: z.string().refine(isStorable) })

/** `GET /v1/jobs`, and `GET` and `DELETE` of one. */
export function addJobRoutes(router: Router, { database, config }: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs',
      summary: 'List jobs, newest first',
      tag: 'jobs',
      query: listJobsQuery,
      responses: { 200: jsonAnswer(jobListSchema, 'A page of jobs.') },
    },
    async ({ context, query }) => {
      const after = decodeCursor(query.cursor, jobCursor)
      const rows = await listJobs(
        database,
        {
          statuses: query.status,
          name: query.name,
          idPrefix: query.id_prefix,
          tags: [query.tag ?? []].flat().map(parseTagFilter),
          provider: query.provider,
          model: query.model,
          createdAfter: query.created_after === undefined ? undefined : new Date(query.created_after),
        },
        after === null ? null : { createdAt: new Date(after.created_at), id: after.id },
        query.limit + 1,
      )
      return context.json(
        toPage(
          rows,
          query.limit,
          (row) => toJobJson(row, config.temporal),
          ({ job }) => ({ created_at: job.createdAt.toISOString(), id: job.id }),
        ),
      )
    },
  )

  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}',
      summary: 'One job as it is now',
      tag: 'jobs',
      params: jobParams,
      responses: { 200: jsonAnswer(jobSchema, 'The job.') },
    },
    async ({ context, params }) => context.json(toJobJson(await findJob(database, params.id), config.temporal)),
  )

  addRoute(
    router,
    {
      method: 'delete',
      path: '/v1/jobs/{id}',
      summary: 'Remove a job that is over',
      description:
        'Its items, answers and history are gone for good; what it cost stays in the ledger. 409 `job_not_finished` while it runs.',
      tag: 'jobs',
      params: jobParams,
      responses: { 204: { description: 'It is gone.' } },
    },
    async ({ context, params }) => {
      const { job } = await findJob(database, params.id)
      if (isBeingCancelled(job)) throw refusal('job_not_finished', job, 'is being cancelled: delete it when it has ended')
      await deleteJob(database, params.id)
      return context.body(null, 204)
    },
  )
}

/** `key=value`, or a key alone. */
function parseTagFilter(text: string): { key: string; value: string | null } {
  const at = text.indexOf('=')
  return at < 0 ? { key: text, value: null } : { key: text.slice(0, at), value: text.slice(at + 1) }
}
