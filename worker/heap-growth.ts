import { setFlagsFromString } from 'node:v8'

/**
 * How V8's heap grows, for a process through whose hands gigabytes go while it keeps little. The documented flags for it count only on the command
 * line, and a worker should be small and fast however it was started; these are asked at every growth.
 *
 * - The space for new objects keeps the size that it has now. It would grow to 134 MB beside the heap that `--max-old-space-size` allows, and stay
 *   there: a third of a worker's memory, for garbage that is collected as cheaply in little.
 * - The heap may grow by 40 % between two full collections. Under a small `--max-old-space-size` V8 takes less, and a worker spends a fifth of its time on
 *   going through all the code that it has loaded; without one V8 takes more than that, and the worker is larger for it.
 */
export function tuneHeapGrowth(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=40')
}
