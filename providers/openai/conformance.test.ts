import { createServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { simulatorControl, startSimulator } from '../../simulator/simulator.ts'
import { loadCatalog } from '../../models/catalog.ts'
import { describeProviderConformance } from '../conformance.ts'
import { createOpenAiProvider } from './provider.ts'

describeProviderConformance('openai', { keepsPartOfExpired: true }, async () => {
  const simulator = await startSimulator({ duration_ms: 50 })
  const control = simulatorControl(simulator.url)
  const catalog = loadCatalog()
  // Without a certificate no handshake can succeed.
  const tlsServer = createTlsServer({})
  const provider = (baseUrl: string, apiKey = 'sk-conformance') =>
    createOpenAiProvider({ name: 'openai', kind: 'openai', apiKey, baseUrl, simulated: true }, catalog)
  return {
    provider: provider(simulator.baseUrls.openai),
    broken: {
      refused: provider(`http://127.0.0.1:${await closedPort()}/v1`),
      unknownHost: provider('http://provider.invalid/v1'),
      noHandshake: provider(`https://127.0.0.1:${await listen(tlsServer)}/v1`),
      wrongKey: provider(simulator.baseUrls.openai, 'bad-key'),
    },
    model: 'gpt-4o-mini',
    endpoint: '/v1/chat/completions',
    controls: {
      addFault: (fault) => control.addFault(fault),
      setOptions: (options) => control.setOptions(options),
      createdBatches: async () => (await control.books()).batches.length,
    },
    close: async () => {
      tlsServer.close()
      await simulator.close()
    },
  }
})

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
