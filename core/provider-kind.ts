/** The protocols that are spoken: each has a folder in `providers/`, a renderer in `formats/` and a file in `models/`. */
export const providerKinds = ['openai', 'anthropic', 'gemini'] as const
export type ProviderKind = (typeof providerKinds)[number]
