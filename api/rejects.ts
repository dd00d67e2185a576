import { loadJob } from '../db/job-state.ts'
import { listRejects } from '../db/rejects.ts'
import { jobParams, listRejectsQuery, rejectListSchema } from './contracts/jobs.ts'
import { decodeCursor, numberCursor, toPage } from './cursors.ts'
import type { Dependencies } from './dependencies.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'

/** `GET /v1/jobs/{id}/rejects`: the lines of the input that the job goes on without. */
export function addRejectRoutes(router: Router, { database }: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/rejects',
      summary: 'Lines of the input that were left out (`skip_invalid`)',
      tag: 'jobs',
      params: jobParams,
      query: listRejectsQuery,
      responses: { 200: jsonAnswer(rejectListSchema, 'A page of lines, in the order of the input.') },
    },
    async ({ context, params, query }) => {
      await loadJob(database.drizzle, params.id)
      const after = decodeCursor(query.cursor, numberCursor)?.after ?? 0
      const rows = await listRejects(database, params.id, after, query.limit + 1)
      return context.json(
        toPage(
          rows,
          query.limit,
          (reject) => reject,
          ({ line }) => ({ after: line }),
        ),
      )
    },
  )
}
