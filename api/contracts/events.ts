import { z } from 'zod'
import { instant, maxRow, pageOf, pageQuery } from './lists.ts'

export const eventSchema = z
  .object({
    n: z.int().positive().meta({ description: "Its number in the job's history, without gaps." }),
    type: z.string(),
    data: z.record(z.string(), z.unknown()),
    created_at: instant,
  })
  .meta({ id: 'Event' })
export type JobEventJson = z.infer<typeof eventSchema>

export const listEventsQuery = pageQuery.extend({
  after_n: z.coerce.number().int().nonnegative().max(maxRow).optional().meta({ description: 'Only events after this number.' }),
})
export type ListEventsQuery = z.input<typeof listEventsQuery>

/** In order. */
export const eventListSchema = pageOf(eventSchema).meta({ id: 'EventList' })

/**
 * `GET /v1/jobs/{id}/stream` sends three kinds of Server-Sent Events:
 * - `event`: an event of the history, its number as SSE id; resumed after `Last-Event-ID`.
 * - `progress`: the job as it is now, without an id, at most once a second.
 * - `end`: the finished job, after its last event; the stream then ends.
 */
export const streamMessages = ['event', 'progress', 'end'] as const
export type StreamMessage = (typeof streamMessages)[number]

export const streamHeaders = z.object({
  'last-event-id': z
    .string()
    .regex(/^\d{1,9}$/)
    .optional()
    .meta({ description: 'Goes on after this event. With the last event of a finished job the answer is 204.' }),
})
