/** `warn`: it runs, and may not do what is meant. `fail`: it does not run, or not as it is configured. */
export type Finding = {
  readonly name: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** What to do; null with `ok`. */
  readonly remedy: string | null
}

export function ok(name: string, detail: string): Finding {
  return { name, status: 'ok', detail, remedy: null }
}

export function warn(name: string, detail: string, remedy: string): Finding {
  return { name, status: 'warn', detail, remedy }
}

export function fail(name: string, detail: string, remedy: string): Finding {
  return { name, status: 'fail', detail, remedy }
}
