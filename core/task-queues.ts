/** Workflows, and the activities that only touch the database. */
export const mainTaskQueue = 'batchwright'

/** The activities that talk to one provider, so that a slow provider holds up nobody else. */
export function providerTaskQueue(provider: string): string {
  return `batchwright-${provider}`
}

/** The four search attributes of `batchJob` workflows; all are keywords. */
export const searchAttributeNames = ['JobId', 'JobName', 'Provider', 'JobStatus'] as const
