import { isTerminalAtProvider, ProviderError, type ProviderBatch } from './provider.ts'

/** Asks for cancellation. A refusal (400 or 409) is none when the batch turns out to be cancelled or ended already: that is what was wanted. */
export async function cancelUnlessEnded(cancel: () => Promise<void>, retrieve: () => Promise<ProviderBatch>): Promise<void> {
  try {
    await cancel()
  } catch (error) {
    if (!(error instanceof ProviderError) || (error.httpStatus !== 409 && error.httpStatus !== 400)) throw error
    const batch = await retrieve()
    if (batch.status !== 'cancelling' && !isTerminalAtProvider(batch.status)) throw error
  }
}
