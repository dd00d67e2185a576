import type OpenAI from 'openai'
import { compose, type Composition } from '../answers/composition.ts'
import { embeddingOf } from '../answers/embedding.ts'
import type { ItemFault } from '../item-faults.ts'
import type { JsonObject } from '../json.ts'
import { hashHex } from '../random.ts'
import type { Usage } from '../usage.ts'
import { readPrompt, type Prompt } from './prompt.ts'
import type { Endpoint, WireResponse } from './wire.ts'

type Base64Embeddings = Omit<OpenAI.CreateEmbeddingResponse, 'data'> & {
  data: { embedding: string; index: number; object: 'embedding' }[]
}
export type AnswerBody = OpenAI.ChatCompletion | WireResponse | OpenAI.CreateEmbeddingResponse | Base64Embeddings

export interface Answer {
  readonly body: AnswerBody
  readonly usage: Usage
}

/** What differs between two answers to the same prompt. */
export interface AnswerIdentity {
  readonly unique: string
  readonly createdSeconds: number
}

export function renderAnswer(
  endpoint: Endpoint,
  body: JsonObject,
  prompt: Prompt,
  fault: ItemFault | null,
  identity: AnswerIdentity,
): Answer {
  switch (endpoint) {
    case '/v1/chat/completions':
      return chatCompletion(prompt, compose(prompt, fault), identity)
    case '/v1/responses':
      return response(body, prompt, compose(prompt, fault), identity)
    case '/v1/embeddings':
      return embeddings(body, prompt)
  }
}

/**
 * The answer that the simulator gives to a request body when no fault hits it: pure, so that a test can say which answer belongs to which prompt. Only the
 * ids and `created` differ from what is served.
 */
export function answerFor(endpoint: Endpoint, body: JsonObject): AnswerBody {
  const prompt = readPrompt(endpoint, body)
  return renderAnswer(endpoint, body, prompt, null, { unique: prompt.fingerprint, createdSeconds: 0 }).body
}

/** The fingerprint of a prompt: what `[sim:…]` in an answer, and `fingerprint` in the books, stand for. */
export function promptFingerprint(endpoint: Endpoint, body: JsonObject): string {
  return readPrompt(endpoint, body).fingerprint
}

function chatCompletion(prompt: Prompt, said: Composition, { unique, createdSeconds }: AnswerIdentity): Answer {
  const message: OpenAI.ChatCompletionMessage = { role: 'assistant', content: said.text, refusal: said.refusal, annotations: [] }
  if (said.toolCall !== null)
    message.tool_calls = [{ id: `call_${hashHex(unique, 24)}`, type: 'function', function: said.toolCall }]
  const body: OpenAI.ChatCompletion = {
    id: `chatcmpl-${hashHex(unique, 29)}`,
    object: 'chat.completion',
    created: createdSeconds,
    model: prompt.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: said.finish }],
    usage: {
      prompt_tokens: prompt.inputTokens,
      completion_tokens: said.outputTokens,
      total_tokens: prompt.inputTokens + said.outputTokens,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: said.reasoningTokens,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
    service_tier: 'default',
    system_fingerprint: 'fp_simulator',
  }
  return {
    body,
    usage: { inputTokens: prompt.inputTokens, outputTokens: said.outputTokens, reasoningTokens: said.reasoningTokens },
  }
}

function response(request: JsonObject, prompt: Prompt, said: Composition, { unique, createdSeconds }: AnswerIdentity): Answer {
  const incomplete = said.finish === 'length' || said.finish === 'content_filter'
  const status = incomplete ? 'incomplete' : 'completed'
  const output: OpenAI.Responses.ResponseOutputItem[] = []
  if (said.reasoningTokens > 0) output.push({ type: 'reasoning', id: `rs_${hashHex(unique, 32)}`, summary: [] })
  if (said.toolCall === null) {
    const content: OpenAI.Responses.ResponseOutputMessage['content'] =
      said.refusal === null
        ? [{ type: 'output_text', text: said.text ?? '', annotations: [], logprobs: [] }]
        : [{ type: 'refusal', refusal: said.refusal }]
    output.push({ type: 'message', id: `msg_${hashHex(unique, 32)}`, role: 'assistant', status, content })
  } else {
    output.push({
      type: 'function_call',
      id: `fc_${hashHex(unique, 32)}`,
      call_id: `call_${hashHex(unique, 24)}`,
      status: 'completed',
      ...said.toolCall,
    })
  }
  const body: WireResponse = {
    id: `resp_${hashHex(unique, 32)}`,
    object: 'response',
    created_at: createdSeconds,
    status,
    background: false,
    error: null,
    incomplete_details: !incomplete ? null : { reason: said.finish === 'length' ? 'max_output_tokens' : 'content_filter' },
    instructions: typeof request['instructions'] === 'string' ? request['instructions'] : null,
    max_output_tokens: prompt.maxTokens,
    metadata: {},
    model: prompt.model,
    access_programs: null,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    temperature: typeof request['temperature'] === 'number' ? request['temperature'] : 1,
    top_p: 1,
    tool_choice: 'auto',
    tools: [],
    truncation: 'disabled',
    usage: {
      input_tokens: prompt.inputTokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: said.outputTokens,
      output_tokens_details: { reasoning_tokens: said.reasoningTokens },
      total_tokens: prompt.inputTokens + said.outputTokens,
    },
  }
  return {
    body,
    usage: { inputTokens: prompt.inputTokens, outputTokens: said.outputTokens, reasoningTokens: said.reasoningTokens },
  }
}

function embeddings(request: JsonObject, prompt: Prompt): Answer {
  const dimensions =
    typeof request['dimensions'] === 'number' ? request['dimensions'] : prompt.model.includes('large') ? 3072 : 1536
  const vectors = prompt.inputs.map((text) => embeddingOf(text, dimensions))
  const shared = {
    object: 'list' as const,
    model: prompt.model,
    usage: { prompt_tokens: prompt.inputTokens, total_tokens: prompt.inputTokens },
  }
  const body: OpenAI.CreateEmbeddingResponse | Base64Embeddings =
    request['encoding_format'] === 'base64'
      ? {
          ...shared,
          data: vectors.map((vector, index) => ({
            object: 'embedding',
            index,
            embedding: Buffer.from(vector.buffer).toString('base64'),
          })),
        }
      : {
          ...shared,
          data: vectors.map((vector, index) => ({
            object: 'embedding',
            index,
            embedding: Array.from(vector, (value) => Number(value.toFixed(8))),
          })),
        }
  return { body, usage: { inputTokens: prompt.inputTokens, outputTokens: 0, reasoningTokens: 0 } }
}
