export interface FaultDescription {
  readonly name: string
  /** `http`: a call; `item`: one request, alone or in a batch; `quirk`: files and listings; `batch`: a batch as a whole. */
  readonly kind: 'http' | 'item' | 'quirk' | 'batch'
  readonly effect: string
  /** Where it is documented or was seen; null for a mere precaution: nobody promises that it can't happen. */
  readonly source: string | null
  /** Flags of `batchwright simulator`. */
  readonly example: string
}
