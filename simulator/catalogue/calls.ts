import type { FaultDescription } from './fault-description.ts'
import { sdkRetries, claudeErrors, geminiGuide, geminiErrors } from './sources.ts'

export const callFaults: readonly FaultDescription[] = [
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
    source: `https://github.com/QwenLM/qwen-code/pull/11874 ${geminiGuide} (submit jobs once)`,
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
      'An error status, nothing done: 429 with or without Retry-After, 408, 409, 5xx, 529 (Anthropic: overloaded), 503 (Gemini: overloaded; it has no Retry-After, but RetryInfo in its details); 404 on batches.retrieve for a batch that vanished.',
    source: `${sdkRetries} https://github.com/tensorzero/tensorzero/issues/1198 ${claudeErrors} ${geminiErrors}`,
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
