import { z } from 'zod'

export const healthSchema = z.object({ status: z.literal('ok'), version: z.string() }).meta({ id: 'Health' })
export type Health = z.infer<typeof healthSchema>

const part = z.object({
  ready: z.boolean(),
  detail: z.string().nullable().meta({ description: 'What is missing, in one line.' }),
})

/** 200 when all parts are ready, else 503. */
export const readinessSchema = z
  .object({ ready: z.boolean(), postgres: part, temporal: part, worker: part })
  .meta({ id: 'Readiness' })
export type Readiness = z.infer<typeof readinessSchema>
