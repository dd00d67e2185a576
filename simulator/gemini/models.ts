import { geminiPrices, knownPrice } from '../prices.ts'
import type { WireModel } from './wire.ts'

export function isKnownModel(model: string): boolean {
  return knownPrice(geminiPrices, model) !== null
}

export function embeds(model: string): boolean {
  return model.includes('embedding')
}

/** They think unless told not to: 2.5 and later (https://ai.google.dev/gemini-api/docs/thinking); 2.5 Flash-Lite only when asked. */
export function thinksByDefault(model: string): boolean {
  return thinks(model) && !model.startsWith('gemini-2.5-flash-lite')
}

export function thinks(model: string): boolean {
  return /^gemini-(2\.5|[3-9])/.test(model)
}

/** `thinkingBudget: 0` turns thinking off in the Flash models of 2.5; Pro and the models from 3 on go on thinking. */
export function canStopThinking(model: string): boolean {
  return model.startsWith('gemini-2.5-flash')
}

/** How long a shared beginning has to be for implicit caching (https://ai.google.dev/gemini-api/docs/caching); null: no caching. */
export function leastCachedTokens(model: string): number | null {
  if (!/^gemini-(2\.5|[3-9])/.test(model)) return null
  return /pro/.test(model) ? 2048 : 1024
}

export const mostOutputTokens = 65_536

export function models(): (WireModel & { readonly id: string })[] {
  return Object.keys(geminiPrices).map((id) => ({
    id,
    name: `models/${id}`,
    version: '001',
    displayName: id,
    inputTokenLimit: embeds(id) ? 2048 : 1_048_576,
    outputTokenLimit: embeds(id) ? 1 : mostOutputTokens,
    supportedGenerationMethods: embeds(id)
      ? ['embedContent', 'countTokens', 'asyncBatchEmbedContent']
      : ['generateContent', 'countTokens', 'createCachedContent', 'batchGenerateContent'],
    ...(embeds(id) ? {} : { temperature: 1, topP: 0.95, thinking: thinks(id) }),
  }))
}
