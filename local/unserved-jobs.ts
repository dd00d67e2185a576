import type { Database } from '../db/database.ts'
import { countOpenJobs } from '../db/jobs.ts'
import { listServedLanes } from '../db/workers.ts'

/** Workers announce themselves every 10 s, also those of other machines on the same database. */
const announcedWithinMs = 15_000

/** A line for each provider that open jobs wait for and no worker has: they are paused only after a while, and nobody may be looking then. */
export async function describeUnservedJobs(database: Database): Promise<string[]> {
  const served = await listServedLanes(database, announcedWithinMs)
  const waiting = await countOpenJobs(database)
  return waiting
    .filter((lane) => !served.some(({ provider, simulated }) => provider === lane.provider && simulated === lane.simulated))
    .map(({ provider, simulated, jobs }) => {
      const what = `${jobs} open ${jobs === 1 ? 'job' : 'jobs'} of ${simulated ? 'the simulated ' : ''}${provider}`
      return `${what} can't go on here: ${simulated ? `start with --simulate=${provider}` : `start with its key, and without simulating ${provider}`}`
    })
}
