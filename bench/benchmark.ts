import type { Measurement } from './measurement.ts'

export interface BenchmarkInput {
  /** Neutral lines. */
  readonly inputPath: string
  readonly items: number
  /** Measured runs of each side. */
  readonly runs: number
  /** For what it writes. */
  readonly directory: string
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

export type Benchmark = (input: BenchmarkInput) => Promise<Measurement[]>
