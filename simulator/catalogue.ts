export interface FaultDescription {
  readonly name: string
  /** `http`: a call; `item`: one request, alone or in a batch; `quirk`: files and listings; `batch`: a batch as a whole. */
  readonly kind: 'http' | 'item' | 'quirk' | 'batch'
  readonly effect: string
  /** Where it is documented or was seen; null for a mere precaution: nobody promises that it can't happen. */
  readonly source: string | null
  /** Flags of `batchwright simulator`. */
  readonly example: string
}

const guide = 'https://developers.openai.com/api/docs/guides/batch'
const sdkErrors = 'https://github.com/openai/openai-node#handling-errors'
const sdkRetries = 'https://github.com/openai/openai-node#retries'
const ellmer = 'https://github.com/tidyverse/ellmer/issues/830'
const claudeGuide = 'https://platform.claude.com/docs/en/build-with-claude/batch-processing'
const claudeErrors = 'https://platform.claude.com/docs/en/api/errors'
const claudeStops = 'https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons'
const claudeDelays = 'https://github.com/anthropics/anthropic-sdk-python/issues/1432'

const http: readonly FaultDescription[] = [
  {
    name: 'refuse',
    kind: 'http',
    effect: 'The connection is cut before the call is read: nothing was done.',
    source: sdkRetries,
    example: '--fault batches.create:refuse:times=2',
  },
  {
    name: 'accept_then_drop',
    kind: 'http',
    effect:
      'The call is carried out, then the connection is cut without an answer. A client that simply asks again creates a second batch.',
    source: 'https://github.com/QwenLM/qwen-code/pull/11874',
    example: '--fault batches.create:accept_then_drop',
  },
  {
    name: 'delay',
    kind: 'http',
    effect: 'The call waits before it is carried out (`delay_ms` also goes with every other effect).',
    source: sdkRetries,
    example: '--fault batches.retrieve:delay:delay_ms=5s,times=always',
  },
  {
    name: 'status',
    kind: 'http',
    effect:
      'An error status, nothing done: 429 with or without Retry-After, 408, 409, 5xx, 529 (Anthropic: overloaded); 404 on batches.retrieve for a batch that vanished.',
    source: `${sdkRetries} https://github.com/tensorzero/tensorzero/issues/1198 ${claudeErrors}`,
    example: '--fault batches.create:status:status=429,retry_after=2,times=3',
  },
  {
    name: 'hold',
    kind: 'http',
    effect: 'The call is carried out but not answered until POST /_simulator/release.',
    source: null,
    example: '--fault batches.create:hold',
  },
  {
    name: 'truncate',
    kind: 'http',
    effect:
      'The answer ends after `after_bytes`, short of its Content-Length. (Anthropic’s results, `batches.results`, have none: they break off.)',
    source: 'https://github.com/openai/openai-java/issues/649 https://github.com/openai/openai-python/issues/2959',
    example: '--fault files.content:truncate:after_bytes=1000',
  },
]

const item = (name: string, effect: string, source: string | null, settings = 'rate=0.1'): FaultDescription => ({
  name,
  kind: 'item',
  effect,
  source,
  example: `--fault items:${name}:${settings}`,
})

const items: readonly FaultDescription[] = [
  item(
    'transient',
    'The item fails with a 500, once unless `first_attempts` says otherwise.',
    ellmer,
    'rate=0.1,first_attempts=2',
  ),
  item('rate_limited', 'The item fails with a 429.', `https://developers.openai.com/api/docs/guides/rate-limits ${claudeErrors}`),
  item(
    'overloaded',
    'The item fails because the provider is overloaded (Anthropic: overloaded_error, 529; OpenAI: 503).',
    claudeErrors,
  ),
  item(
    'expired',
    'The item was not executed in time, although the batch completed (OpenAI: `batch_expired`; Anthropic: an expired line).',
    `${guide} ${claudeGuide}`,
  ),
  item(
    'missing',
    'The item is charged, but is in no file.',
    'https://github.com/llm-d/llm-d-batch-gateway/issues/221 (a compatible server)',
  ),
  item(
    'truncated',
    'The answer breaks off: finish_reason length (Anthropic: stop_reason max_tokens).',
    `https://developers.openai.com/api/docs/guides/structured-outputs ${claudeStops}`,
  ),
  item(
    'invalid_output',
    'JSON was asked for; what comes is prose, broken JSON or JSON of another shape (variant=prose|invalid_json|wrong_schema|fence).',
    'https://developers.openai.com/api/docs/guides/structured-outputs',
    'rate=0.1,variant=prose',
  ),
  item(
    'invalid_request',
    'The item fails with a 400, always; with `param`, only while its body has that parameter.',
    'https://developers.openai.com/api/docs/guides/reasoning',
    'rate=0.1,param=temperature',
  ),
  item(
    'content_filter',
    'The answer is withheld: finish_reason content_filter, always (Anthropic: a refusal in the middle of it).',
    `https://developers.openai.com/api/docs/guides/structured-outputs ${claudeStops}`,
  ),
  item(
    'refusal',
    'The model refuses, always (Anthropic: stop_reason refusal, and no text).',
    `https://developers.openai.com/api/docs/guides/structured-outputs ${claudeStops}`,
  ),
  item('auth', 'The item fails with a 401. (A key that begins with "bad" is refused everywhere.)', sdkErrors),
  item(
    'status_zero',
    'The item is in the error file with status_code 0 and an empty body. OpenAI only: elsewhere it is `transient`.',
    ellmer,
  ),
]

const quirk = (name: string, effect: string, source: string | null, value = ''): FaultDescription => ({
  name,
  kind: 'quirk',
  effect,
  source,
  example: `--fault quirk:${name}${value}`,
})

const quirks: readonly FaultDescription[] = [
  quirk(
    'random_order',
    'Results come in an order of their own. On by default.',
    `${guide} (retrieving the results) ${claudeGuide}`,
    '=false',
  ),
  quirk(
    'separate_error_file',
    'OpenAI: failed requests are in a file of their own. On by default.',
    'https://github.com/567-labs/instructor/pull/2657',
    '=false',
  ),
  quirk('lying_counts', 'At the end the counts say that everything completed, whatever the files say.', ellmer),
  quirk(
    'empty_string_file_ids',
    'OpenAI: a file that there isn’t has the id "" instead of null.',
    'https://github.com/tobert/kaibo/pull/93',
  ),
  quirk(
    'cancelled_lines_in_error_file',
    'OpenAI: what a cancel left undone is in the error file (`batch_cancelled`). Anthropic always names it.',
    'https://github.com/llm-d/llm-d-batch-gateway/issues/221 (a compatible server)',
  ),
  quirk(
    'output_file_delay_ms',
    'The batch is complete, but its files or results answer 404 for this long.',
    `https://github.com/openai/openai-cookbook/issues/1564 ${claudeDelays}`,
    '=2s',
  ),
  quirk('list_delay_ms', 'A new batch is not listed for this long.', null, '=2s'),
  quirk('retrieve_delay_ms', 'A new batch answers 404 for this long.', claudeDelays, '=2s'),
  quirk('repeated_lines', 'This share of lines is there twice.', null, '=0.1'),
  quirk(
    'missing_lines',
    'This share of lines is in neither file, whichever prompt it is; charged.',
    'https://github.com/TU-Wien-dataLAB/aqueduct/issues/55 (a compatible server)',
    '=0.1',
  ),
  quirk('foreign_lines', 'So many lines more, with custom_ids that are nobody’s or another batch’s.', null, '=2'),
  quirk(
    'swapped_keys',
    'This share of answers is at the custom_id of another request.',
    'https://github.com/googleapis/python-genai/issues/1909 (Gemini)',
    '=0.1',
  ),
  quirk('invalid_json_lines', 'This share of answers breaks off within its line; charged.', null, '=0.1'),
  quirk('invalid_utf8_lines', 'This share of answers has a byte that is not UTF-8.', null, '=0.1'),
  quirk('long_line_bytes', 'One line of each batch is this long.', null, '=20000000'),
  quirk(
    'truncated_downloads',
    'The first so many downloads of each result file are cut in the middle.',
    'https://github.com/openai/openai-java/issues/649',
    '=1',
  ),
]

const batches: readonly FaultDescription[] = [
  {
    name: 'expired with a part done',
    kind: 'batch',
    effect:
      'The batch stalls at 60 % and expires: the finished part is there and charged, the rest is `batch_expired` in the error file, or `expired` lines.',
    source: `${guide} https://github.com/warmbly/warmbly/pull/333 ${claudeGuide}`,
    example: '--curve stalled --window 10s',
  },
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
      'The batch fails validation as a whole; its `errors` name the line whose prompt has [[simulate:refused_line]]. Anthropic refuses the create, naming the request.',
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
    name: 'completed without an output file',
    kind: 'batch',
    effect: 'OpenAI: every request failed; the batch is `completed`, and its output_file_id is null.',
    source: 'https://github.com/BerriAI/litellm/issues/33987',
    example: '--fault items:transient:rate=1',
  },
  {
    name: 'cancelled with a part done',
    kind: 'batch',
    effect: 'A cancel takes a while (`cancelling`, `canceling`); what was finished is there and charged.',
    source: `https://github.com/BerriAI/litellm/pull/37205 ${claudeGuide}`,
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

/** Everything that can be made to go wrong, for `batchwright simulator --help`, the documentation and tests. */
export const faultCatalogue: readonly FaultDescription[] = [...http, ...items, ...quirks, ...batches]

const headings: Readonly<Record<FaultDescription['kind'], string>> = {
  http: 'Calls: --fault ROUTE:EFFECT[:times=N|always,skip=N,probability=P,delay_ms=D]. Routes: batches.create batches.list batches.retrieve batches.cancel models.list; OpenAI: files.create files.list files.retrieve files.content files.delete chat.completions responses embeddings; Anthropic: batches.results batches.delete messages messages.count_tokens; files.* *; anthropic/batches.create for one provider only',
  item: 'Items: --fault items:KIND[:rate=R,first_attempts=N|always], or in a prompt: [[simulate:KIND]], [[simulate:transient times=1]]. Prompts are chosen by their content, so the same ones fail in every attempt and every run',
  quirk: 'Quirks of the results and listings: --fault quirk:NAME[=VALUE]',
  batch: 'Batches as a whole',
}

/** "How to rehearse failures", as text of at most `width` columns. */
export function describeFaults(width = 100): string {
  const kinds = ['http', 'item', 'quirk', 'batch'] as const
  const sections = kinds.map((kind) => {
    const entries = faultCatalogue.filter((fault) => fault.kind === kind).map((fault) => describe(fault, width))
    return `${wrap(headings[kind], width).join('\n')}\n\n${entries.join('\n')}`
  })
  return `How to rehearse failures\n\n${sections.join('\n\n')}\n`
}

function describe({ name, effect, source, example }: FaultDescription, width: number): string {
  const lines = wrap(effect, width - 6).map((line) => `      ${line}`)
  return [`  ${name}`, ...lines, `      ${example}`, `      seen: ${source ?? 'not yet'}`].join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
