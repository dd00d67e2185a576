import type { FaultDescription } from './fault-description.ts'
import { guide, claudeGuide, geminiGuide, geminiWebhooks, webhooks } from './sources.ts'

const geminiBatches: readonly FaultDescription[] = [
  {
    name: 'expired with nothing kept',
    kind: 'batch',
    effect:
      'Gemini: after 48 hours, pending or running, the batch is BATCH_STATE_EXPIRED; what was done is lost, and here costs nothing.',
    source: `${geminiGuide} https://github.com/googleapis/python-genai/issues/2439`,
    example: '--curve stalled --window 10s',
  },
  {
    name: 'stuck',
    kind: 'batch',
    effect: 'Gemini: the batch is BATCH_STATE_PENDING for as long as you like.',
    source: 'https://github.com/googleapis/python-genai/issues/1482',
    example: '--validating 1h',
  },
  {
    name: 'enqueued tokens and batches',
    kind: 'batch',
    effect:
      'Gemini: too many tokens are enqueued for the model, or more than 100 batches are open: the create is refused with a 429 (RESOURCE_EXHAUSTED), without RetryInfo.',
    source:
      'https://ai.google.dev/gemini-api/docs/rate-limits https://github.com/googleapis/js-genai/issues/1264 https://github.com/langchain4j/langchain4j/pull/3942',
    example: '--enqueued-token-limit 100000 --concurrent-batch-limit 5',
  },
  {
    name: 'failed with a reason',
    kind: 'batch',
    effect:
      'Gemini: a broken line in its file fails the batch; the reason is in the `error` of the raw operation, which the SDK drops.',
    source: `${geminiGuide} (monitoring job status)`,
    example: 'a line that is not JSON',
  },
  {
    name: 'requests without a key',
    kind: 'batch',
    effect: 'Gemini: a line without a key is answered without one, a key that is there twice is answered twice.',
    source: null,
    example: 'a line without "key"',
  },
  {
    name: 'forgotten files',
    kind: 'batch',
    effect: 'Gemini: an uploaded file is gone after 48 hours, results after 6 weeks; both answer 403 like one that never was.',
    source: `${geminiGuide} https://github.com/googleapis/python-genai/issues/1218`,
    example: '--file-lifetime 10s --results-lifetime 10s',
  },
]

const webhookFaults: readonly FaultDescription[] = [
  {
    name: 'webhooks',
    kind: 'batch',
    effect:
      'OpenAI tells a project’s endpoint of a batch that is completed, failed, expired or cancelled, signed as Standard Webhooks are; each has one `webhook-id`, and its attempts are in the books. Anthropic has none.',
    source: `${webhooks} https://github.com/openai/openai-node#webhook-verification`,
    example: '--openai-webhook http://127.0.0.1:9000/openai --openai-webhook-secret whsec_c2VjcmV0',
  },
  {
    name: 'Gemini webhooks',
    kind: 'batch',
    effect:
      'Gemini tells a project’s endpoint of a batch that succeeded, failed or expired, signed in the same way. A batch whose create has `webhookConfig.uris` is not told to it; those addresses are not called, because nobody says what is in the JWT that signs such a call.',
    source: `${geminiWebhooks} https://github.com/googleapis/js-genai (WebhookConfig)`,
    example: '--gemini-webhook http://127.0.0.1:9000/gemini --gemini-webhook-secret whsec_c2VjcmV0',
  },
  {
    name: 'webhooks that are not taken',
    kind: 'batch',
    effect:
      'OpenAI, Gemini: a webhook that gets no 2xx within seconds (a redirection is none) is sent again after growing pauses, for 72 or 24 hours, then given up. The batch knows nothing of it.',
    source: `${webhooks} ${geminiWebhooks}`,
    example: '--openai-webhook http://127.0.0.1:9000/nobody --webhook-pause 100ms --webhook-retries 5s',
  },
]

export const batchFaults: readonly FaultDescription[] = [
  {
    name: 'expired with a part done',
    kind: 'batch',
    effect:
      'The batch stalls at 60 % and expires: the finished part is there and charged, the rest is `batch_expired` in the error file, or `expired` lines.',
    source: `${guide} https://github.com/warmbly/warmbly/pull/333 ${claudeGuide}`,
    example: '--curve stalled --window 10s',
  },
  ...geminiBatches,
  ...webhookFaults,
  {
    name: 'late',
    kind: 'batch',
    effect: 'Nothing happens for most of the time, then everything at once.',
    source: 'https://github.com/bespokelabsai/curator/issues/287',
    example: '--curve late --duration 60s',
  },
  {
    name: 'refused_line',
    kind: 'batch',
    effect:
      'The batch fails validation as a whole; its `errors` name the line whose prompt has [[simulate:refused_line]]. Anthropic refuses the create, naming the request; Gemini that of an inline batch, while one of a file fails.',
    source:
      'https://github.com/meta-llama/llama-stack/blob/main/tests/integration/batches/test_batches_errors.py (a compatible server)',
    example: 'a prompt with [[simulate:refused_line]]',
  },
  {
    name: 'token_limit_exceeded',
    kind: 'batch',
    effect: 'OpenAI: too many tokens are enqueued for the model; the batch fails as a whole, after it was created.',
    source: 'https://github.com/openai/openai-python/issues/2084',
    example: '--enqueued-token-limit 100000',
  },
  {
    name: 'batches per hour',
    kind: 'batch',
    effect:
      'OpenAI: a key that created 2,000 batches within an hour gets a 429 (rate_limit_exceeded) for the next, until the first of them is an hour old.',
    source: `${guide} (rate limits) https://github.com/BerriAI/litellm/issues/23901`,
    example: '--batches-per-hour 10',
  },
  {
    name: 'results that are gone',
    kind: 'batch',
    effect:
      'OpenAI: 30 days after the batch ended, or when its create asked for it, its files are gone; the batch still names them, and they answer 404.',
    source: `${guide} (retrieving the results)`,
    example: '--results-lifetime 10s',
  },
  {
    name: 'completed without an output file',
    kind: 'batch',
    effect: 'OpenAI: every request failed; the batch is `completed`, and its output_file_id is null.',
    source: 'https://github.com/BerriAI/litellm/issues/33987',
    example: '--fault items:transient:rate=1',
  },
  {
    name: 'cancelled with a part done',
    kind: 'batch',
    effect:
      'A cancel takes a while (`cancelling`, `canceling`); what was finished is there and charged. Gemini keeps nothing, and says meanwhile that it runs.',
    source: `https://github.com/BerriAI/litellm/pull/37205 ${claudeGuide} https://ai.google.dev/api/batch-api`,
    example: '--cancelling 10s',
  },
  {
    name: 'validation failures',
    kind: 'batch',
    effect: 'OpenAI: a line that it does not take fails the whole batch, with line numbers in `errors`.',
    source: 'https://github.com/stdapi-ai/stdapi.ai/issues/240',
    example: '--refuse-unknown-models',
  },
  {
    name: 'refused custom_id',
    kind: 'batch',
    effect:
      'Anthropic: one custom_id that is not ^[a-zA-Z0-9_-]{1,64}$, or is there twice, refuses the create with a 400 that names its place; so do more than 100,000 requests, and 256 MB with a 413.',
    source: 'https://github.com/anthropics/anthropic-sdk-python/issues/984',
    example: 'a custom_id with a colon in it',
  },
  {
    name: 'late validation',
    kind: 'batch',
    effect:
      'Anthropic: what is wrong with `params` comes out when all is over, as errored lines; until then all requests are `processing`.',
    source: claudeGuide,
    example: 'params without max_tokens',
  },
  {
    name: 'queued requests',
    kind: 'batch',
    effect: 'Anthropic: too many requests wait in batches; the create is refused with a 429 and Retry-After.',
    source: 'https://platform.claude.com/docs/en/api/rate-limits#message-batches-api',
    example: '--queued-request-limit 1000',
  },
  {
    name: 'archived',
    kind: 'batch',
    effect: 'Anthropic: 29 days after the batch was created its results are gone: `archived_at`, and a 404.',
    source: claudeGuide,
    example: '--archive-after 1h',
  },
  {
    name: 'look-alikes',
    kind: 'batch',
    effect:
      'Anthropic: batches of somebody else with the same key, size and minute as one of yours; nothing but their results tells them from it. In no bill.',
    source: null,
    example: 'POST /_simulator/look-alikes {"batch_id": "msgbatch_…", "count": 2} or {"key": "sk-…", "requests": 20}',
  },
]
