import { createServer } from 'node:http'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simulateAnthropic } from './anthropic/simulation.ts'
import { openBooks } from './books.ts'
import { createControl } from './control.ts'
import { simulateGemini } from './gemini/simulation.ts'
import { createHolds } from './holds.ts'
import { createHttpFaults } from './http-faults.ts'
import { simulateOpenai } from './openai/simulation.ts'
import { resolveOptions, runtimeOptionsSchema, type LiveOptions, type SimulatorOptions } from './options.ts'
import { createProviderServer } from './provider-server.ts'

export { anthropicAnswerFor, anthropicPromptFingerprint } from './anthropic/answer.ts'
export { keyFingerprint, type BilledRequest, type CreateCall } from './books.ts'
export type { BooksSummary } from './books-summary.ts'
export { describeFaults, faultCatalogue, type FaultDescription } from './catalogue.ts'
export { curves } from './completion-curve.ts'
export { simulatorControl, type SimulatorControl } from './control-client.ts'
export { parseFault } from './fault-text.ts'
export { geminiAnswerFor, geminiEmbeddingFor, geminiPromptFingerprint } from './gemini/answer.ts'
export { optionsFromFlags, simulatorFlags, type SimulatorFlag } from './flags.ts'
export { answerFor, promptFingerprint } from './openai/answer.ts'
export { runtimeOptionsSchema, simulatorOptionsSchema, type RuntimeOptions, type SimulatorOptions } from './options.ts'
export type { BatchSummary, FileSummary } from './provider-simulation.ts'

export interface Simulator {
  /** `http://127.0.0.1:<port>`; the control endpoint is below `/_simulator`. */
  readonly url: string
  readonly port: number
  /** What a provider's SDK takes as its base URL. */
  readonly baseUrls: { readonly openai: string; readonly anthropic: string; readonly gemini: string }
  /** Stops at once; open batches go on when the same data directory is started again. */
  close(): Promise<void>
}

/**
 * Starts the simulator on 127.0.0.1. Throws a ZodError for wrong options, and the system's error when the port is taken.
 */
export async function startSimulator(input: SimulatorOptions = {}): Promise<Simulator> {
  const { options, httpFaults } = resolveOptions(input)
  const { port: wantedPort, data_dir: dataDirectory, seed, faults: _faults, ...runtime } = options
  const live: LiveOptions = { seed, current: runtimeOptionsSchema.parse(runtime) }
  const directory = dataDirectory ?? mkdtempSync(join(tmpdir(), 'batchwright-simulator-'))
  mkdirSync(directory, { recursive: true })

  const books = openBooks(join(directory, 'books'))
  const holds = createHolds()
  const stopping = new AbortController()
  const providers = [
    simulateOpenai({ directory: join(directory, 'openai'), options: live, books }),
    simulateAnthropic({ directory: join(directory, 'anthropic'), options: live, books }),
    simulateGemini({ directory: join(directory, 'gemini'), options: live, books }),
  ]
  const routes = providers.flatMap(({ name, routes: own }) => own.map((route) => `${name}/${route.name}`))
  const faults = createHttpFaults(seed, routes)
  const control = createControl({ providers, books, faults, holds, options: live })
  const serveProvider = createProviderServer({ providers, books, faults, holds, stopped: stopping.signal })

  const serving = new Set<Promise<void>>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const served = (url.pathname === '/_simulator' || url.pathname.startsWith('/_simulator/') ? control : serveProvider)(
      request,
      response,
      url,
    )
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) process.stderr.write(`simulator: ${error instanceof Error ? error.stack : String(error)}\n`)
        response.destroy()
      })
      .finally(() => serving.delete(served))
    serving.add(served)
  })
  // A connection that the server closes while a client sends its next call looks like a fault; those should only come when asked for.
  server.keepAliveTimeout = 600_000
  server.requestTimeout = 0
  try {
    for (const rule of httpFaults) faults.add(rule)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(wantedPort, '127.0.0.1', resolve)
    })
  } catch (error) {
    await closeAll()
    throw error
  }

  async function closeAll(): Promise<void> {
    stopping.abort()
    holds.release(null, false)
    server.closeAllConnections()
    await Promise.all(providers.map((provider) => provider.close()))
    await Promise.all(serving)
    books.close()
    if (dataDirectory === undefined) await rm(directory, { recursive: true, force: true })
  }

  let closing: Promise<void> | null = null
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    port,
    baseUrls: { openai: `${url}/openai/v1`, anthropic: `${url}/anthropic`, gemini: `${url}/gemini` },
    close() {
      closing ??= new Promise<void>((resolve) => {
        server.close(() => resolve())
        stopping.abort()
        server.closeAllConnections()
        holds.release(null, false)
      }).then(closeAll)
      return closing
    },
  }
}
