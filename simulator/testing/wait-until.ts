import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until the answer is as wanted. Throws after five seconds, unless told. */
export async function waitUntil<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean, deadlineMs = 5000): Promise<T> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (wanted(answer)) return answer
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(answer)}`)
    await sleep(4)
  }
}
