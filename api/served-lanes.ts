/** A worker that has not announced itself for this long is taken for gone; it does so far more often. */
export const servedWithinMs = 90_000
