import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeError } from '../core/errors.ts'
import { dataDirectory } from './bench-stack.ts'
import type { Benchmark } from './benchmark.ts'
import { ingest } from './ingest.ts'
import { writeInputFile } from './input-file.ts'
import { megabytes, tableOf, type Measurement } from './measurement.ts'
import { otherProviders } from './other-providers.ts'
import { wholeJob } from './whole-job.ts'

/*
 * `npm run bench`: all benchmarks, or those that are named (`npm run bench -- ingest`). Progress goes to stderr, the table to stdout. Everything runs
 * against the simulator: nothing is spent. Exit code 1 when a bar is missed.
 */
const benchmarks: Readonly<Record<string, Benchmark>> = { ingest, 'whole-job': wholeJob, 'other-providers': otherProviders }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { items: { type: 'string', default: '50000' }, runs: { type: 'string', default: '3' } },
})
const say = (line: string): void => void process.stderr.write(`${line}\n`)

process.exitCode = await run()

async function run(): Promise<number> {
  const unknown = positionals.find((name) => !Object.hasOwn(benchmarks, name))
  const [items, runs] = [Number(values.items), Number(values.runs)]
  if (unknown !== undefined || !(items > 0) || !(runs > 0)) {
    say(`usage: npm run bench -- [${Object.keys(benchmarks).join('] [')}] [--items 50000] [--runs 3]`)
    return 2
  }
  const interruption = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort())
  mkdirSync(dataDirectory, { recursive: true })
  try {
    const inputPath = join(dataDirectory, 'items.jsonl')
    say(`input: ${items} items, ${megabytes(await writeInputFile(inputPath, items))}`)
    const measurements: Measurement[] = []
    for (const [name, benchmark] of Object.entries(benchmarks)) {
      if (positionals.length > 0 && !positionals.includes(name)) continue
      measurements.push(
        ...(await benchmark({ inputPath, items, runs, directory: dataDirectory, signal: interruption.signal, say })),
      )
    }
    process.stdout.write(`\n${tableOf(measurements)}\n`)
    return measurements.every(({ isHeld }) => isHeld) ? 0 : 1
  } catch (error) {
    say(interruption.signal.aborted ? 'interrupted' : `FAILED: ${describeError(error)}`)
    return interruption.signal.aborted ? 130 : 1
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true })
  }
}
