import { RE2JS } from 're2js'
import { redactedText, type Redact } from '../core/redaction.ts'
import type { Config } from './config.ts'
import type { Secret } from './secret.ts'

/** What is shorter is no secret, and may be a word of any message. */
const leastSecretLength = 8

/** The user of an address stays; it tells which of them was refused. */
const passwordInAddress = /(:\/\/[^\s/:@]*):[^\s/@]+@/g

/**
 * Replaces the secrets that this process knows, passwords in addresses, and what `redaction.patterns` match. The patterns are matched in linear time
 * (decision 0014): their author is not the author of the texts.
 */
export function createRedactor(config: Config): Redact {
  const secrets = secretsOf(config)
  const patterns = config.redactionPatterns.map((pattern) => RE2JS.compile(pattern))
  return (text) => {
    let shown = text.replace(passwordInAddress, `$1:${redactedText}@`)
    for (const secret of secrets) shown = shown.replaceAll(secret, redactedText)
    for (const pattern of patterns) shown = pattern.matcher(shown).replaceAll(redactedText)
    return shown
  }
}

/** Why a pattern can't be used, or null. */
export function whyNoPattern(pattern: string): string | null {
  try {
    return RE2JS.compile(pattern).matcher('').find() ? 'matches the empty text, and so everywhere' : null
  } catch (error) {
    return `is no regular expression of RE2, which has no look-around and no back-references: ${(error as Error).message}`
  }
}

/** The longest first: one may be a part of another. */
function secretsOf({ providers, databaseUrl, temporal, api, webhook }: Config): string[] {
  const keys: Array<Secret | null> = [
    // That of a simulated one is a word.
    ...providers.filter(({ simulated }) => !simulated).map(({ apiKey }) => apiKey),
    temporal.apiKey,
    api.key,
    webhook?.secret ?? null,
  ]
  const found = keys.flatMap((secret) => (secret === null ? [] : [secret.reveal()]))
  const all = [...found, ...(databaseUrl === null ? [] : passwordOf(databaseUrl.reveal()))]
  return [...new Set(all)]
    .filter((secret) => secret.length >= leastSecretLength)
    .toSorted((left, right) => right.length - left.length)
}

/** As it is and as the address spells it. One that is the user or the database's name as well (`postgres`) is known to all, and a word of many messages. */
function passwordOf(address: string): string[] {
  const { password, username, pathname } = new URL(address)
  if (password === '' || password === username || password === pathname.slice(1)) return []
  try {
    return [password, decodeURIComponent(password)]
  } catch {
    return [password]
  }
}
