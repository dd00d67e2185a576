import { describeError } from '../core/errors.ts'
import type { Database } from '../db/database.ts'
import { listenForEvents } from '../db/job-events.ts'
import type { ApiLogger } from './dependencies.ts'

/** Wakes readers of a job's events. One LISTEN for the whole process, opened with the first reader. */
export interface EventHub {
  /** Calls `wake` when the job may have new events. Throws when Postgres can't be reached. */
  subscribe(jobId: string, wake: () => void): Promise<() => void>
  close(): Promise<void>
}

export function createEventHub(database: Database, logger: ApiLogger): EventHub {
  const readers = new Map<string, Set<() => void>>()
  let listening: ReturnType<typeof listenForEvents> | null = null

  const wakeAll = () => {
    for (const wakes of readers.values()) for (const wake of wakes) wake()
  }
  const listen = async () => {
    listening ??= listenForEvents(
      database,
      (jobId) => readers.get(jobId)?.forEach((wake) => wake()),
      () => {
        logger.info({}, 'listening for events again; readers catch up')
        wakeAll()
      },
    )
    const current = listening
    try {
      await current
    } catch (error) {
      // The next reader tries again.
      if (listening === current) listening = null
      throw error
    }
  }

  return {
    async subscribe(jobId, wake) {
      await listen()
      const wakes = readers.get(jobId) ?? new Set()
      readers.set(jobId, wakes.add(wake))
      return () => {
        wakes.delete(wake)
        if (wakes.size === 0 && readers.get(jobId) === wakes) readers.delete(jobId)
      }
    },
    async close() {
      const current = listening
      listening = null
      try {
        await (await current)?.stop()
      } catch (error) {
        logger.debug({ error: describeError(error) }, 'LISTEN could not be ended in order')
      }
    },
  }
}
