import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's young generation at the size that it has now. It would grow to 134 MB beside the heap that `--max-old-space-size` allows, and stay there:
 * a third of a worker's memory, for garbage that is collected as cheaply in 16 MB. The documented flag for it, `--max-semi-space-size`, counts only
 * on the command line, and a worker should be small however it was started; this one is asked at every growth.
 */
export function limitYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
