/** Workflows, and the activities that any worker can run. */
export const mainTaskQueue = 'batchwright'

/** A provider in its real or its simulated form: they share nothing, neither keys nor room nor workers. */
export interface Lane {
  readonly provider: string
  readonly simulated: boolean
}

/**
 * The activities that need one provider, so that a slow provider holds up nobody else. What moves files (`transfers`) can't hold up a poll or a
 * cancel (`calls`).
 */
export function providerTaskQueue({ provider, simulated }: Lane, work: 'calls' | 'transfers'): string {
  return `batchwright-${provider}${simulated ? '-simulated' : ''}${work === 'transfers' ? '-transfers' : ''}`
}

/** The four search attributes of `batchJob` workflows; all are keywords. */
export const searchAttributeNames = ['JobId', 'JobName', 'Provider', 'JobStatus'] as const
