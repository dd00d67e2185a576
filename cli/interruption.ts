/** npm and npx pass a Ctrl-C on that the terminal has already sent to us: one press, two signals. */
const sameKeyPressMs = 500

/**
 * Runs something that Ctrl-C ends without harm: `run` gets a signal that then fires, and the result is `detached`. A second Ctrl-C ends the
 * process at once, as ever.
 */
export async function detachable<Result>(run: (signal: AbortSignal) => Promise<Result>): Promise<Result | 'detached'> {
  const controller = new AbortController()
  let pressedAtMs: number | undefined
  const onInterrupt = (): void => {
    if (pressedAtMs !== undefined && performance.now() - pressedAtMs > sameKeyPressMs) process.exit(130)
    pressedAtMs ??= performance.now()
    controller.abort()
  }
  process.on('SIGINT', onInterrupt)
  try {
    return await run(controller.signal)
  } catch (error) {
    if (controller.signal.aborted) return 'detached'
    throw error
  } finally {
    // The echo of this key press may still be on its way, and must not kill what is printed now.
    if (pressedAtMs === undefined) process.off('SIGINT', onInterrupt)
  }
}
