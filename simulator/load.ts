/** How much of something there is now, and how much there was at most since the simulator started. */
export interface Load {
  current: number
  peak: number
}

export function addToLoad(load: Load, amount: number): void {
  load.current += amount
  load.peak = Math.max(load.peak, load.current)
}
