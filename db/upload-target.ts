import type postgres from 'postgres'
import { BatchwrightError } from '../core/errors.ts'

/** Where a request stores items. */
export interface UploadTarget {
  readonly jobId: string
  /** Of a draft: what names the request that may store them. Null: all items of the job come with this one. */
  readonly receiving: string | null
}

/**
 * Keeps the job from being removed, and a draft from being taken over by another request, until the end of the transaction. Throws `upload_lost` and
 * `upload_broken` when one or the other has happened.
 */
export async function holdUpload(
  tx: postgres.TransactionSql<{ bigint: bigint }>,
  { jobId, receiving }: UploadTarget,
): Promise<void> {
  const held = await tx`
    select 1 from jobs where id = ${jobId} and status = 'validating' and deleted_at is null and receiving is not distinct from ${receiving} for key share`
  if (held.length > 0) return
  throw receiving === null
    ? new BatchwrightError('upload_lost', 'the upload was taken for abandoned and removed: send it again')
    : takenOver()
}

/** Of a request that brings a part of a draft. */
export function takenOver(): BatchwrightError {
  return new BatchwrightError(
    'upload_broken',
    'the part was sent again, or the draft was started or deleted, while this request brought it: look at the job',
  )
}
