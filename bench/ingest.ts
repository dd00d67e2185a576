import { join } from 'node:path'
import postgres from 'postgres'
import { Batchwright } from '../client/batchwright.ts'
import type { Stack } from '../local/stack.ts'
import { copyBare, countRows, createBareTable, emptyTables, exportRows } from './bare-copy.ts'
import { withStack } from './bench-stack.ts'
import type { Benchmark } from './benchmark.ts'
import { held, information, median, medianOf, seconds } from './measurement.ts'
import { memoryMeasurements } from './memory-measurements.ts'
import { peakMemoryOf } from './peak-memory.ts'

/** Of a bare COPY's speed. */
const leastShare = 0.6

/**
 * A file goes through the client and the API into Postgres, against a bare COPY of the same rows into a like table of the same server: A B A B, after
 * one of each to warm up. The worker is stopped meanwhile, so that no job begins to run beside the measurement.
 */
export const ingest: Benchmark = async ({ inputPath, items, runs, directory, signal, say }) =>
  await withStack(signal, async (stack) => {
    await stack.kill('worker', 'SIGKILL', { restart: false })
    const sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => undefined })
    try {
      const rowsPath = join(directory, 'rows.copy')
      await createBareTable(sql)
      await emptyTables(sql)
      say(`ingest: warm-up ${seconds(await ingestOnce(stack, inputPath))}`)
      await exportRows(stack.databaseUrl, rowsPath)
      await copyBare(sql, rowsPath)

      const oursMs: number[] = []
      const bareMs: number[] = []
      for (let run = 1; run <= runs; run++) {
        await emptyTables(sql)
        oursMs.push(await ingestOnce(stack, inputPath))
        await requireRows(sql, 'items', items)
        await emptyTables(sql)
        bareMs.push(await copyBare(sql, rowsPath))
        await requireRows(sql, 'bare', items)
        say(`ingest: run ${run} of ${runs}: ${seconds(oursMs.at(-1) ?? 0)}, bare COPY ${seconds(bareMs.at(-1) ?? 0)}`)
      }
      const share = median(bareMs) / median(oursMs)
      return [
        information('ingest: client → API → Postgres', medianOf(oursMs)),
        information('ingest: bare COPY', medianOf(bareMs)),
        held("ingest: of the bare COPY's speed", `${Math.round(share * 100)} %`, `≥ ${leastShare * 100} %`, share >= leastShare),
        ...memoryMeasurements('ingest', peakMemoryOf(stack), ['api'], items),
      ]
    } finally {
      await sql.end({ timeout: 5 })
    }
  })

async function ingestOnce(stack: Stack, inputPath: string): Promise<number> {
  const client = new Batchwright({ url: stack.apiUrl, apiKey: '' })
  const startedAt = performance.now()
  await client.jobs.create({ name: 'bench-ingest', provider: 'openai', model: 'gpt-5-mini', items: inputPath })
  return performance.now() - startedAt
}

async function requireRows(sql: postgres.Sql, from: 'items' | 'bare', items: number): Promise<void> {
  const rows = await countRows(sql, from)
  if (rows !== items) throw new Error(`${from}: ${rows} rows are there instead of ${items}`)
}
