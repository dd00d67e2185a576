import type { FaultDescription } from './fault-description.ts'
import {
  guide,
  sdkErrors,
  ellmer,
  claudeGuide,
  claudeErrors,
  claudeStops,
  geminiErrors,
  geminiAnswers,
  geminiItems,
} from './sources.ts'

const item = (name: string, effect: string, source: string | null, settings = 'rate=0.1'): FaultDescription => ({
  name,
  kind: 'item',
  effect,
  source,
  example: `--fault items:${name}:${settings}`,
})

export const itemFaults: readonly FaultDescription[] = [
  item(
    'transient',
    'The item fails with a 500 (Gemini: a line with an `error` of code 13), once unless `first_attempts` says otherwise.',
    `${ellmer} ${geminiItems}`,
    'rate=0.1,first_attempts=2',
  ),
  item(
    'rate_limited',
    'The item fails with a 429 (Gemini: code 8).',
    `https://developers.openai.com/api/docs/guides/rate-limits ${claudeErrors} ${geminiErrors}`,
  ),
  item(
    'overloaded',
    'The item fails because the provider is overloaded (Anthropic: overloaded_error, 529; OpenAI: 503; Gemini: code 14).',
    `${claudeErrors} ${geminiErrors}`,
  ),
  item(
    'expired',
    'The item was not executed in time, although the batch completed (OpenAI: `batch_expired`; Anthropic: an expired line; Gemini: code 4).',
    `${guide} ${claudeGuide} ${geminiErrors}`,
  ),
  item(
    'missing',
    'The item is charged, but is in no file.',
    'https://github.com/llm-d/llm-d-batch-gateway/issues/221 (a compatible server)',
  ),
  item(
    'truncated',
    'The answer breaks off: finish_reason length (Anthropic: stop_reason max_tokens; Gemini: MAX_TOKENS, and with reason=THOUGHTS nothing but thinking).',
    `https://developers.openai.com/api/docs/guides/structured-outputs ${claudeStops} https://github.com/googleapis/python-genai/issues/811`,
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
    'The answer is withheld: finish_reason content_filter, always (Anthropic: a refusal in the middle of it; Gemini: a candidate without content, reason=SAFETY|RECITATION|PROHIBITED_CONTENT|BLOCKLIST|SPII|LANGUAGE|MALFORMED_FUNCTION_CALL|OTHER).',
    `https://developers.openai.com/api/docs/guides/structured-outputs ${claudeStops} ${geminiAnswers}`,
  ),
  item(
    'refusal',
    'The model refuses, always (Anthropic: stop_reason refusal, and no text; Gemini: the prompt is blocked, no candidates, reason=PROHIBITED_CONTENT|SAFETY|BLOCKLIST|JAILBREAK|OTHER).',
    `https://developers.openai.com/api/docs/guides/structured-outputs ${claudeStops} ${geminiAnswers}`,
  ),
  item(
    'empty',
    'The answer says nothing, and ends as if it had (Gemini: a candidate without parts, finishReason STOP).',
    'https://github.com/google-gemini/deprecated-generative-ai-python/issues/744',
  ),
  item(
    'auth',
    'The item fails with a 401 (Gemini: code 7). A key that begins with "bad" is refused everywhere; Gemini answers it with a 400, API_KEY_INVALID, no key with a 403, and one that begins with "bad-leaked" too.',
    `${sdkErrors} https://github.com/google/timesketch/pull/3703`,
  ),
  item(
    'status_zero',
    'The item is in the error file with status_code 0 and an empty body. OpenAI only: elsewhere it is `transient`.',
    ellmer,
  ),
]
