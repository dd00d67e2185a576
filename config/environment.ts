import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A variable that is set to nothing counts as not set. */
const text = z
  .string()
  .optional()
  .transform((value) => (value === undefined || value.trim() === '' ? undefined : value.trim()))

const url = (...protocols: string[]) =>
  text.refine((value) => value === undefined || (URL.canParse(value) && protocols.includes(new URL(value).protocol)), {
    message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  })

const environmentSchema = z.object({
  OPENAI_API_KEY: text,
  OPENAI_BASE_URL: url('http:', 'https:'),
  ANTHROPIC_API_KEY: text,
  ANTHROPIC_BASE_URL: url('http:', 'https:'),
  GEMINI_API_KEY: text,
  GOOGLE_API_KEY: text,
  GOOGLE_GEMINI_BASE_URL: url('http:', 'https:'),
  DATABASE_URL: url('postgres:', 'postgresql:'),
  TEMPORAL_ADDRESS: text,
  TEMPORAL_NAMESPACE: text,
  TEMPORAL_API_KEY: text,
  HOST: text,
  PORT: text.refine((value) => value === undefined || (/^\d{1,5}$/.test(value) && Number(value) <= 65_535), {
    message: 'must be a port number, 0 to 65535',
  }),
  LOG_LEVEL: text,
  BATCHWRIGHT_URL: url('http:', 'https:'),
  BATCHWRIGHT_API_KEY: text,
  BATCHWRIGHT_CONFIG: text,
  // Set by `batchwright up` for its own processes.
  BATCHWRIGHT_SIMULATE: text,
  BATCHWRIGHT_SIMULATOR_URL: url('http:', 'https:'),
  BATCHWRIGHT_TEMPORAL_UI_URL: url('http:', 'https:'),
})
export type KnownEnvironment = z.infer<typeof environmentSchema>

/** The variables that Batchwright reads. Throws `invalid_environment`, which names the variable and never its value. */
export function readEnvironment(environment: Environment): KnownEnvironment {
  const checked = environmentSchema.safeParse(environment)
  if (checked.success) return checked.data
  const reasons = checked.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`)
  throw new BatchwrightError('invalid_environment', reasons.join('; '))
}
