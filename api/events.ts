import { listEvents, type JobEvent } from '../db/job-events.ts'
import { loadJob } from '../db/job-state.ts'
import { eventListSchema, listEventsQuery, type JobEventJson } from './contracts/events.ts'
import { jobParams } from './contracts/jobs.ts'
import { decodeCursor, numberCursor, toPage } from './cursors.ts'
import type { Dependencies } from './dependencies.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'

/** `GET /v1/jobs/{id}/events`: the job's history. */
export function addEventRoutes(router: Router, { database }: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/events',
      summary: "A job's history, oldest first",
      tag: 'jobs',
      params: jobParams,
      query: listEventsQuery,
      responses: { 200: jsonAnswer(eventListSchema, 'A page of events.') },
    },
    async ({ context, params, query }) => {
      await loadJob(database.drizzle, params.id)
      const after = decodeCursor(query.cursor, numberCursor)?.after ?? query.after_n ?? 0
      const rows = await listEvents(database.drizzle, params.id, after, query.limit + 1)
      return context.json(toPage(rows, query.limit, toEventJson, (row) => ({ after: row.n })))
    },
  )
}

export function toEventJson({ n, type, data, createdAt }: JobEvent): JobEventJson {
  return { n, type, data, created_at: createdAt.toISOString() }
}
