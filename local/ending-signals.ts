/** npm and npx pass a Ctrl-C on that the terminal has already sent to us: one press, two signals. */
const sameKeyPressMs = 500

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Calls `first` at the first SIGINT, SIGTERM or SIGHUP, and `again` at each later one that is not the same key press. Until the function that it
 * returns is called, no such signal ends this process by itself.
 */
export function onEndingSignals({ first, again }: { first: () => void; again: () => void }): () => void {
  let firstAt: number | undefined
  const onSignal = (): void => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      first()
    } else if (performance.now() - firstAt > sameKeyPressMs) {
      again()
    }
  }
  for (const signal of endingSignals) process.on(signal, onSignal)
  return () => {
    for (const signal of endingSignals) process.off(signal, onSignal)
  }
}
