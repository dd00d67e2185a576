import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'
import { hasNoUser, userInUrl } from './config-schema.ts'

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

/** `fetch` takes no address with a user in it. */
const webUrl = url('http:', 'https:').refine((value) => value === undefined || hasNoUser(value), { message: userInUrl })

function keyOf(provider: string) {
  return {
    description: `${provider}'s key; the API only looks whether there is one, and can do without.`,
    readBy: 'worker, API',
    secret: true,
    key: 'api_key',
  }
}

function addressOf(provider: string, own: string) {
  return { description: `Another address for ${provider}.`, defaultValue: own, readBy: 'worker, API', key: 'base_url' }
}

/**
 * The variables that Batchwright reads. `.meta()` is their documentation: `default`, `readBy`, `secret`, and `key`, where the configuration file has
 * a key of the same meaning.
 */
export const environmentSchema = z.object({
  OPENAI_API_KEY: text.meta(keyOf('OpenAI')),
  OPENAI_BASE_URL: webUrl.meta(addressOf('OpenAI', 'https://api.openai.com/v1')),
  ANTHROPIC_API_KEY: text.meta(keyOf('Anthropic')),
  ANTHROPIC_BASE_URL: webUrl.meta(addressOf('Anthropic', 'https://api.anthropic.com')),
  GEMINI_API_KEY: text.meta(keyOf('Gemini')),
  GOOGLE_API_KEY: text.meta({ ...keyOf('Gemini'), description: "Gemini's key where `GEMINI_API_KEY` is not set." }),
  GOOGLE_GEMINI_BASE_URL: webUrl.meta(addressOf('Gemini', 'https://generativelanguage.googleapis.com')),
  DATABASE_URL: url('postgres:', 'postgresql:').meta({
    description: '`postgres://user:password@host:5432/name`.',
    default: '`up`: its own',
    readBy: 'API, worker, migrate, up',
    secret: true,
  }),
  TEMPORAL_ADDRESS: text.meta({
    description: '`host:port`.',
    defaultValue: '127.0.0.1:7233',
    default: '`up`: its own',
    readBy: 'API, worker, migrate, up',
  }),
  TEMPORAL_NAMESPACE: text.meta({
    description: "Temporal's namespace.",
    defaultValue: 'default',
    readBy: 'API, worker, migrate, up',
  }),
  TEMPORAL_API_KEY: text.meta({
    description: 'For Temporal Cloud; switches TLS on.',
    readBy: 'API, worker, migrate, up',
    secret: true,
  }),
  HOST: text.meta({
    description:
      'Where the API listens: anything but loopback needs `BATCHWRIGHT_API_KEY`. `up` listens on 127.0.0.1 whatever it says.',
    defaultValue: '127.0.0.1',
    readBy: 'API',
  }),
  PORT: text
    .refine((value) => value === undefined || (/^\d{1,5}$/.test(value) && Number(value) <= 65_535), {
      message: 'must be a port number, 0 to 65535',
    })
    .meta({ description: '0 takes any free one; `up` takes `--port` instead.', defaultValue: '8787', readBy: 'API' }),
  LOG_LEVEL: text.meta({
    description: 'As `log.level`, over it.',
    defaultValue: 'info',
    readBy: 'API, worker',
    key: 'log.level',
  }),
  BATCHWRIGHT_URL: url('http:', 'https:').meta({
    description: 'Where the API is.',
    defaultValue: 'http://127.0.0.1:8787',
    readBy: 'CLI, client',
  }),
  BATCHWRIGHT_API_KEY: text.meta({
    description: 'Asked of every caller when set; sent by the CLI.',
    readBy: 'API, CLI, client',
    secret: true,
  }),
  BATCHWRIGHT_CONFIG: text.meta({
    description: 'The configuration file.',
    default: '`batchwright.yaml` in the working directory, if it is there',
    readBy: 'API, worker, migrate, up, config, doctor',
  }),
  BATCHWRIGHT_TEMPORAL_CLI: text.meta({
    description: 'A Temporal command line to start the dev server with.',
    default: '`temporal` on PATH, else a download or a build',
    readBy: 'up, doctor, tests',
  }),
  XDG_CACHE_HOME: text.meta({
    description: 'Holds `batchwright/`, where a downloaded or built Temporal is kept.',
    default: '`~/.cache`',
    readBy: 'up, doctor, tests',
  }),
  BATCHWRIGHT_WORKFLOW_BUNDLE: text.meta({
    description: 'Workflows bundled ahead (`npm run bundle`); else bundled at the start, in a few seconds.',
    readBy: 'worker',
  }),
  BATCHWRIGHT_SIMULATE: text.meta({
    description: 'Providers that are simulated; set by `up --simulate`.',
    readBy: 'API, worker',
  }),
  BATCHWRIGHT_SIMULATOR_URL: url('http:', 'https:').meta({
    description: 'Where the simulator is; set by `up --simulate`.',
    readBy: 'API, worker',
  }),
  BATCHWRIGHT_TEMPORAL_UI_URL: url('http:', 'https:').meta({
    description: 'For the links of jobs to the Web UI; set by `up`.',
    readBy: 'API',
  }),
  BATCHWRIGHT_CRASH_AT: text.meta({ description: 'For crash tests only.', readBy: 'worker' }),
  BATCHWRIGHT_CRASH_MARKER: text.meta({ description: 'For crash tests only.', readBy: 'worker' }),
})
export type KnownEnvironment = z.infer<typeof environmentSchema>

/** Throws `invalid_environment`, which names the variable and never its value. */
export function readEnvironment(environment: Environment): KnownEnvironment {
  const checked = environmentSchema.safeParse(environment)
  if (checked.success) return checked.data
  const reasons = checked.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`)
  throw new BatchwrightError('invalid_environment', reasons.join('; '))
}
