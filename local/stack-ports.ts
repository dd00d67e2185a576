import { BatchwrightError } from '../core/errors.ts'
import type { ServicePorts } from './data-directory.ts'
import { findFreePort, isPortFree } from './free-port.ts'
import { pollUntil } from './poll-until.ts'

export type ChosenPorts = Record<keyof ServicePorts, number>

/** Where Temporal's own command line looks for a server, and where its dev server has the Web UI. */
export const usualPorts: ServicePorts = { temporal: 7233, temporalUi: 8233 }

/**
 * A port for each service that is to be started: the one that was asked for, else the one of the last start, or at the first start the
 * usual one, if it is free, else any free one. Throws `port_taken` if one that was asked for is not free.
 */
export async function choosePorts(
  wanted: ServicePorts,
  remembered: ServicePorts,
  usual: ServicePorts = usualPorts,
): Promise<ChosenPorts> {
  const chosen: ChosenPorts = { postgres: 0, temporal: 0, temporalUi: 0, simulator: 0 }
  for (const name of Object.keys(chosen) as (keyof ChosenPorts)[]) {
    const fixed = wanted[name]
    if (fixed !== undefined) {
      await requireFreePort(fixed, name)
      chosen[name] = fixed
      continue
    }
    let port = await findFreePort(remembered[name] ?? usual[name])
    while (Object.values(chosen).includes(port)) port = await findFreePort()
    chosen[name] = port
  }
  return chosen
}

/** Throws `port_taken` if 127.0.0.1:`port` can't be listened on. */
export async function requireFreePort(port: number, what: string): Promise<void> {
  if (await isPortFree(port)) return
  throw new BatchwrightError('port_taken', `Port ${port} (${what}) is taken: end what uses it, or choose another port`, {
    details: { port },
  })
}

/** After a crash the port may be held for a moment by what the crash left behind. */
export async function waitForFreePort(port: number, signal: AbortSignal): Promise<void> {
  await pollUntil(async () => ((await isPortFree(port)) ? true : undefined), { deadlineMs: 5000, signal })
}
