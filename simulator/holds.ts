export interface HeldCall {
  readonly provider: string
  readonly route: string
}

export interface Holds {
  /** Resolves when the call is released: true to answer it, false to cut the connection. */
  hold(call: HeldCall): Promise<boolean>
  list(): readonly HeldCall[]
  /** Releases the held calls of a route, or all of them; returns how many. */
  release(route: string | null, answer: boolean): number
}

export function createHolds(): Holds {
  let held: { call: HeldCall; resolve: (answer: boolean) => void }[] = []
  return {
    hold: (call) => new Promise((resolve) => held.push({ call, resolve })),
    list: () => held.map(({ call }) => call),
    release(route, answer) {
      const chosen = held.filter(({ call }) => route === null || call.route === route)
      held = held.filter((entry) => !chosen.includes(entry))
      for (const { resolve } of chosen) resolve(answer)
      return chosen.length
    },
  }
}
