import { describeError } from '../core/errors.ts'
import { mainTaskQueue } from '../core/task-queues.ts'
import { ping } from '../db/ping.ts'
import { healthSchema, readinessSchema, type Readiness } from './contracts/health.ts'
import type { Dependencies } from './dependencies.ts'
import { addRoute, jsonAnswer, type Router } from './router.ts'
import { version } from './version.ts'

const probeTimeoutMs = 3000

/** `/healthz`: this process answers. `/readyz`: jobs can be taken and will run, or what is missing for it. */
export function addHealthRoutes(router: Router, dependencies: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/healthz',
      summary: 'Whether this process answers',
      tag: 'health',
      responses: { 200: jsonAnswer(healthSchema, 'It does.') },
    },
    ({ context }) => context.json({ status: 'ok', version }),
  )
  addRoute(
    router,
    {
      method: 'get',
      path: '/readyz',
      summary: 'Whether jobs can run, or what is missing',
      tag: 'health',
      responses: {
        200: jsonAnswer(readinessSchema, 'Everything is there.'),
        503: jsonAnswer(readinessSchema, 'Something is missing.'),
      },
    },
    async ({ context }) => {
      const readiness = await readReadiness(dependencies)
      return context.json(readiness, readiness.ready ? 200 : 503)
    },
  )
}

export async function readReadiness({ database, temporal }: Dependencies): Promise<Readiness> {
  let hasWorker = false
  const [postgresProblem, temporalProblem] = await Promise.all([
    problemOf(ping(database)),
    problemOf(temporal.hasWorkers(mainTaskQueue).then((found) => void (hasWorker = found))),
  ])
  const workerProblem = hasWorker
    ? null
    : temporalProblem === null
      ? 'no worker polls Temporal: start one with `batchwright worker`'
      : 'not known without Temporal'
  return {
    ready: [postgresProblem, temporalProblem, workerProblem].every((problem) => problem === null),
    postgres: { ready: postgresProblem === null, detail: postgresProblem },
    temporal: { ready: temporalProblem === null, detail: temporalProblem },
    worker: { ready: workerProblem === null, detail: workerProblem },
  }
}

async function problemOf(probe: Promise<void>): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${probeTimeoutMs / 1000} s`), probeTimeoutMs)
  })
  try {
    return await Promise.race([probe.then(() => null, describeError), timeout])
  } finally {
    clearTimeout(timer)
  }
}
