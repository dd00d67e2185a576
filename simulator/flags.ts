import type { SimulatorOptions } from './options.ts'
import { standardWebhookSecret } from './webhook-signature.ts'

export interface SimulatorFlag {
  /** As commander takes it. */
  readonly flag: string
  readonly option: keyof SimulatorOptions
  readonly description: string
  /** May be given more than once. */
  readonly repeated?: boolean
}

/** The flags of `batchwright simulator`. Their values go to `startSimulator` as they are: the options' schema reads text. */
export const simulatorFlags: readonly SimulatorFlag[] = [
  { flag: '--port <n>', option: 'port', description: 'port on 127.0.0.1 (default: any free one)' },
  {
    flag: '--data <dir>',
    option: 'data_dir',
    description: 'keep files, batches and books here, across restarts (default: a temporary directory)',
  },
  {
    flag: '--seed <n>',
    option: 'seed',
    description: 'another seed picks other prompts for faults, and another order (default: 1)',
  },
  {
    flag: '--duration <time>',
    option: 'duration_ms',
    description: 'how long a batch is in progress: 500ms, 10s, 1h (default: 2s)',
  },
  { flag: '--curve <name>', option: 'curve', description: 'how it progresses: linear, late, stalled, instant (default: linear)' },
  {
    flag: '--validating <time>',
    option: 'validating_ms',
    description: 'OpenAI: how long at least it is validated; Gemini: how long it is pending (default: 0)',
  },
  { flag: '--finalizing <time>', option: 'finalizing_ms', description: 'OpenAI: how long it is finalizing (default: 0)' },
  { flag: '--cancelling <time>', option: 'cancelling_ms', description: 'how long a cancel takes (default: 100ms)' },
  { flag: '--window <time>', option: 'window_ms', description: 'from creation to expiry (default: 24h, Gemini 48h)' },
  {
    flag: '--archive-after <time>',
    option: 'archive_after_ms',
    description: 'Anthropic: from creation to the end of its results (default: 29d)',
  },
  {
    flag: '--file-lifetime <time>',
    option: 'file_lifetime_ms',
    description: 'Gemini: how long an uploaded file is kept (default: 48h)',
  },
  {
    flag: '--results-lifetime <time>',
    option: 'results_lifetime_ms',
    description: 'OpenAI, Gemini: how long the results of a batch are kept (default: OpenAI 30d, Gemini 42d)',
  },
  { flag: '--realtime-delay <time>', option: 'realtime_delay_ms', description: 'how long a realtime answer takes (default: 0)' },
  {
    flag: '--fail-rate <share>',
    option: 'fail_rate',
    description: 'share of prompts that fail once with a 500, then succeed (default: 0)',
  },
  { flag: '--fault <fault>', option: 'faults', description: 'a fault, as below; may be repeated', repeated: true },
  {
    flag: '--enqueued-token-limit <n>',
    option: 'enqueued_token_limit',
    description: 'OpenAI, Gemini: enqueued tokens per model and key (default: no limit)',
  },
  {
    flag: '--queued-request-limit <n>',
    option: 'queued_request_limit',
    description: 'Anthropic: requests of a key that wait in batches (default: no limit)',
  },
  {
    flag: '--concurrent-batch-limit <n>',
    option: 'concurrent_batch_limit',
    description: 'Gemini: open batches of a key (default: 100)',
  },
  {
    flag: '--batches-per-hour <n>',
    option: 'batches_per_hour',
    description: 'OpenAI: batches that a key may create in an hour (default: 2000)',
  },
  {
    flag: '--openai-webhook <url>',
    option: 'openai_webhook_url',
    description: 'OpenAI: the endpoint that is told when a batch has ended (default: none)',
  },
  {
    flag: '--openai-webhook-secret <secret>',
    option: 'openai_webhook_secret',
    description: `OpenAI: what that is signed with (default: ${standardWebhookSecret})`,
  },
  {
    flag: '--gemini-webhook <url>',
    option: 'gemini_webhook_url',
    description: 'Gemini: the endpoint that is told when a batch has ended (default: none)',
  },
  {
    flag: '--gemini-webhook-secret <secret>',
    option: 'gemini_webhook_secret',
    description: 'Gemini: what that is signed with (default: the same)',
  },
  {
    flag: '--webhook-pause <time>',
    option: 'webhook_pause_ms',
    description: 'from the first attempt at a webhook to the second; then twice as long each time (default: 5s)',
  },
  {
    flag: '--webhook-retries <time>',
    option: 'webhook_retries_ms',
    description: 'how long a webhook that is not taken is tried again (default: OpenAI 72h, Gemini 24h)',
  },
  {
    flag: '--refuse-unknown-models',
    option: 'refuse_unknown_models',
    description: 'refuse models that are not in the simulator’s price table',
  },
  {
    flag: '--max-requests <n>',
    option: 'max_requests',
    description: 'requests in a batch (default: OpenAI 50000, Anthropic 100000, Gemini no limit)',
  },
  {
    flag: '--max-batch-bytes <n>',
    option: 'max_batch_bytes',
    description: 'bytes of a batch’s input (default: OpenAI 200 MB, Anthropic 256 MB, Gemini 2 GB)',
  },
]

/** Options from flags as commander parsed them (`{ duration: '10s', fault: ['…'] }`). Flags that weren't given are left out. */
export function optionsFromFlags(given: Readonly<Record<string, unknown>>): SimulatorOptions {
  const options: Record<string, unknown> = {}
  for (const { flag, option } of simulatorFlags) {
    const name =
      flag
        .split(' ')[0]
        ?.slice(2)
        .replaceAll(/-(\w)/g, (_match, letter: string) => letter.toUpperCase()) ?? ''
    if (given[name] !== undefined) options[option] = given[name]
  }
  return options
}
