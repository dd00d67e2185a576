export interface AttemptCounter {
  /** How often prompts that fail a limited number of times were executed. */
  attemptsOf(fingerprint: string): number
  add(attempts: Readonly<Record<string, number>>): void
}

export function createAttemptCounter(): AttemptCounter {
  const counts = new Map<string, number>()
  return {
    attemptsOf: (fingerprint) => counts.get(fingerprint) ?? 0,
    add(attempts) {
      for (const [fingerprint, count] of Object.entries(attempts)) counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + count)
    },
  }
}
