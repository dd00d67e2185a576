import { createServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Endpoint } from '../core/job-spec.ts'
import type { Provider } from './provider.ts'

/** A provider with its simulator, fresh for each test. */
export interface ConformanceSubject {
  readonly provider: Provider
  /** The same provider behind other addresses: nothing listens, no such host, no TLS handshake; and with a refused key. */
  readonly broken: {
    readonly refused: Provider
    readonly unknownHost: Provider
    readonly noHandshake: Provider
    readonly wrongKey: Provider
  }
  readonly model: string
  readonly endpoint: Endpoint
  readonly controls: {
    /** `batches.create:status:status=409`, `items:transient:rate=1`, `quirk:foreign_lines=3`. */
    addFault(fault: string): Promise<void>
    setOptions(options: Record<string, unknown>): Promise<void>
    /** How many batches the simulator has made, by its own books. */
    createdBatches(): Promise<number>
    /** How many requests of all batches it has answered so far. */
    finishedRequests(): Promise<number>
  }
  close(): Promise<void>
}

/** A running simulator with its control, as `simulator/` gives them. */
interface Simulation {
  readonly simulator: { close(): Promise<void> }
  readonly control: {
    addFault(fault: string): Promise<void>
    setOptions(options: Record<string, unknown>): Promise<void>
    books(): Promise<{ readonly batches: ReadonlyArray<{ readonly finished: number }> }>
  }
  /** The provider's address at the simulator. */
  readonly baseUrl: string
  readonly providerAt: (baseUrl: string, apiKey: string) => Provider
}

/** The subject of a conformance test: the provider at its simulator, and at addresses where nothing can be reached. */
export async function conformanceSubject(
  { simulator, control, baseUrl, providerAt }: Simulation,
  { model, endpoint }: Pick<ConformanceSubject, 'model' | 'endpoint'>,
): Promise<ConformanceSubject> {
  // Without a certificate no handshake can succeed.
  const tlsServer = createTlsServer({})
  const { pathname } = new URL(baseUrl)
  const provider = (url: string, apiKey = 'sk-conformance') => providerAt(url, apiKey)
  return {
    provider: provider(baseUrl),
    broken: {
      refused: provider(`http://127.0.0.1:${await closedPort()}${pathname}`),
      unknownHost: provider(`http://provider.invalid${pathname}`),
      noHandshake: provider(`https://127.0.0.1:${await listen(tlsServer)}${pathname}`),
      wrongKey: provider(baseUrl, 'bad-key'),
    },
    model,
    endpoint,
    controls: {
      addFault: (fault) => control.addFault(fault),
      setOptions: (options) => control.setOptions(options),
      createdBatches: async () => (await control.books()).batches.length,
      finishedRequests: async () => (await control.books()).batches.reduce((sum, { finished }) => sum + finished, 0),
    },
    close: async () => {
      tlsServer.close()
      await simulator.close()
    },
  }
}

/** A port of this machine on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
