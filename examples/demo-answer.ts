import type { JsonObject } from '../core/json.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import { parseInputLine } from '../formats/input-line.ts'
import { renderers } from '../formats/renderers.ts'
import { noDefaults } from '../formats/rendering.ts'
import { loadCatalog } from '../models/catalog.ts'
import {
  answerFor,
  anthropicAnswerFor,
  anthropicPromptFingerprint,
  geminiAnswerFor,
  geminiPromptFingerprint,
  promptFingerprint,
} from '../simulator/simulator.ts'

/** What the simulator says belongs to a prompt. */
export interface ExpectedAnswer {
  /** What the prompt is called in the simulator's books. */
  readonly fingerprint: string
  readonly text: string
}

/** By `custom_id`, in the order of the items: the answer that each of them must get from this provider. */
export function expectedAnswers(
  kind: ProviderKind,
  items: readonly JsonObject[],
  { model, schema }: { model: string; schema: JsonObject },
): Map<string, ExpectedAnswer> {
  const catalog = loadCatalog()
  const defaults = { ...noDefaults, model, schema }
  return new Map(
    items.map((item, index) => {
      const { customId, request } = parseInputLine(JSON.stringify(item), index + 1)
      const { body } = renderers[kind](request, defaults, (name) => catalog.capabilities(kind, name))
      return [customId ?? String(index + 1), expectedAnswer(kind, model, body)]
    }),
  )
}

function expectedAnswer(kind: ProviderKind, model: string, body: JsonObject): ExpectedAnswer {
  switch (kind) {
    case 'openai': {
      const answer = answerFor('/v1/chat/completions', body)
      const text = 'choices' in answer ? answer.choices[0]?.message.content : undefined
      return { fingerprint: promptFingerprint('/v1/chat/completions', body), text: text ?? '' }
    }
    case 'anthropic': {
      const text = anthropicAnswerFor(body).content.map((block) => (block.type === 'text' ? block.text : ''))
      return { fingerprint: anthropicPromptFingerprint(body), text: text.join('') }
    }
    case 'gemini': {
      const parts = geminiAnswerFor(model, body).candidates?.[0]?.content?.parts ?? []
      const text = parts.map((part) => (part.thought === true ? '' : (part.text ?? '')))
      return { fingerprint: geminiPromptFingerprint(body), text: text.join('') }
    }
  }
}
