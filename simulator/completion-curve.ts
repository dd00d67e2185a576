/**
 * How the finished part of a batch grows while it is `in_progress`:
 * `linear` evenly; `late` nothing for most of the time, then all at once (what people report of busy days); `stalled` to 60 % in the first
 * third and then never further, so that the batch expires; `instant` everything at the end, with no counts on the way.
 */
export const curves = ['linear', 'late', 'stalled', 'instant'] as const
export type Curve = (typeof curves)[number]

/** The finished part, 0 … 1, when `elapsed` (0 … 1 and beyond) of the duration has passed. Never falls. */
export function finishedPart(curve: Curve, elapsed: number): number {
  const time = Math.min(Math.max(elapsed, 0), 1)
  switch (curve) {
    case 'linear':
      return time
    case 'late':
      return time ** 6
    case 'stalled':
      return Math.min(time * 3, 1) * 0.6
    case 'instant':
      return time < 1 ? 0 : 1
  }
}

/** Whether the batch ever completes on its own. */
export function completes(curve: Curve): boolean {
  return curve !== 'stalled'
}
