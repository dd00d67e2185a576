/** What a worker needs to spend money; taken out of the environment where nothing real may be called. */
export const providerVariables = [
  'OPENAI_API_KEY',
  'OPENAI_BASE_URL',
  'OPENAI_ORG_ID',
  'OPENAI_PROJECT_ID',
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'ANTHROPIC_BASE_URL',
  'GEMINI_API_KEY',
  'GOOGLE_API_KEY',
  'GOOGLE_GEMINI_BASE_URL',
] as const

/** Set by us alone: one inherited from another stack would join the two. */
const ownVariables = ['BATCHWRIGHT_SIMULATE', 'BATCHWRIGHT_SIMULATOR_URL', 'BATCHWRIGHT_TEMPORAL_UI_URL'] as const

export type StackEnvironment = {
  databaseUrl: string
  temporalAddress: string
  temporalNamespace: string
  /** Our own dev server: what is set for another one (keys, TLS, profiles) must not reach it. */
  temporalIsLocal: boolean
  temporalUiUrl: string | undefined
  apiPort: number
  simulate: readonly string[] | false
  simulatorUrl: string | undefined
  configFile: string | undefined
  stripProviderKeys: boolean
  overrides: Readonly<Record<string, string>>
}

/** The environment of the simulator, which plays the providers and needs nothing of theirs nor of ours. */
export function simulatorEnvironment(
  inherited: NodeJS.ProcessEnv,
  overrides: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv {
  const removed = new Set<string>([...ownVariables, ...providerVariables, 'PORT'])
  return { ...Object.fromEntries(Object.entries(inherited).filter(([name]) => !removed.has(name))), ...overrides }
}

/** The environment of API and worker. */
export function childEnvironment(inherited: NodeJS.ProcessEnv, stack: StackEnvironment): NodeJS.ProcessEnv {
  const removed = new Set<string>([...ownVariables, ...(stack.stripProviderKeys ? providerVariables : [])])
  const kept = Object.entries(inherited).filter(
    ([name]) => !removed.has(name) && !(stack.temporalIsLocal && name.startsWith('TEMPORAL_')),
  )
  return {
    ...Object.fromEntries(kept),
    DATABASE_URL: stack.databaseUrl,
    TEMPORAL_ADDRESS: stack.temporalAddress,
    TEMPORAL_NAMESPACE: stack.temporalNamespace,
    // The one address that is checked, waited for and printed; an inherited one may be that of another server, or of all the world.
    HOST: '127.0.0.1',
    PORT: String(stack.apiPort),
    ...(stack.simulate === false ? {} : { BATCHWRIGHT_SIMULATE: stack.simulate.join(',') }),
    ...(stack.simulatorUrl === undefined ? {} : { BATCHWRIGHT_SIMULATOR_URL: stack.simulatorUrl }),
    ...(stack.temporalUiUrl === undefined ? {} : { BATCHWRIGHT_TEMPORAL_UI_URL: stack.temporalUiUrl }),
    ...(stack.configFile === undefined ? {} : { BATCHWRIGHT_CONFIG: stack.configFile }),
    ...stack.overrides,
  }
}
