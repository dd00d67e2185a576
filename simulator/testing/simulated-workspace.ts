import type Anthropic from '@anthropic-ai/sdk'
import type { ResultLine, WireBatch } from '../anthropic/wire.ts'
import { simulatorControl, startSimulator, type Simulator, type SimulatorControl, type SimulatorOptions } from '../simulator.ts'
import { waitUntil } from './wait-until.ts'

type BatchRequest = Anthropic.Messages.BatchCreateParams.Request

export interface SimulatedWorkspace extends AsyncDisposable {
  readonly simulator: Simulator
  readonly control: SimulatorControl
  /** The official SDK, without its own retries. */
  readonly client: Anthropic
  clientOf(apiKey: string): Anthropic
  create(requests: readonly BatchRequest[]): Promise<WireBatch>
  /** Creates, and waits for the end. */
  run(requests: readonly BatchRequest[]): Promise<WireBatch>
  /** Asks until the batch is as wanted, by default ended. Throws after the deadline. */
  wait(batchId: string, wanted?: (batch: WireBatch) => boolean): Promise<WireBatch>
  results(batchId: string): Promise<ResultLine[]>
  /** The results as they come, unread. */
  rawResults(batchId: string): Promise<Buffer>
  /** Waits until the books say that so many requests of the newest batch are done: the API tells only at the end. */
  waitForFinished(count: number): Promise<void>
}

/** Starts simulators for tests. The SDK is handed in: the simulator's own room takes only its types. */
export function simulatedWorkspaces(sdk: typeof Anthropic): (options?: SimulatorOptions) => Promise<SimulatedWorkspace> {
  return async (options = {}) => {
    const simulator = await startSimulator({ duration_ms: 0, cancelling_ms: 0, ...options })
    const control = simulatorControl(simulator.url)
    const clientOf = (apiKey: string): Anthropic =>
      new sdk({ apiKey, authToken: null, baseURL: simulator.baseUrls.anthropic, maxRetries: 0 })
    const client = clientOf('sk-test')
    const create = (requests: readonly BatchRequest[]): Promise<WireBatch> =>
      client.messages.batches.create({ requests: [...requests] })
    const wait: SimulatedWorkspace['wait'] = (batchId, wanted = ({ processing_status: status }) => status === 'ended') =>
      waitUntil(() => client.messages.batches.retrieve(batchId), wanted)
    return {
      simulator,
      control,
      client,
      clientOf,
      create,
      wait,
      run: async (requests) => wait((await create(requests)).id),
      results: async (batchId) => Array.fromAsync(await client.messages.batches.results(batchId)),
      rawResults: async (batchId) => {
        const url = `${simulator.baseUrls.anthropic}/v1/messages/batches/${batchId}/results`
        const headers = { 'x-api-key': 'sk-test', 'anthropic-version': '2026-10-21' }
        return Buffer.from(await (await fetch(url, { headers })).arrayBuffer())
      },
      waitForFinished: async (count) => {
        await waitUntil(
          async () => (await control.books()).batches.at(-1)?.finished ?? 0,
          (finished) => finished === count,
        )
      },
      [Symbol.asyncDispose]: () => simulator.close(),
    }
  }
}

type Params = Anthropic.Messages.MessageCreateParamsNonStreaming

export function messageParams(prompt: string, more: Record<string, unknown> = {}): Params {
  return { model: 'claude-haiku-4-5', max_tokens: 1024, messages: [{ role: 'user', content: prompt }], ...more }
}

/** A request of a batch. */
export function batchRequest(customId: string, prompt: string, more: Record<string, unknown> = {}): BatchRequest {
  return { custom_id: customId, params: messageParams(prompt, more) }
}

export function batchRequests(count: number, prompt = 'Question'): BatchRequest[] {
  return Array.from({ length: count }, (_value, index) => batchRequest(`item-${index}`, `${prompt} ${index}`))
}

/** The text of an answer; empty for anything else. */
export function answerText(line: ResultLine | undefined): string {
  return line?.result.type === 'succeeded' ? messageText(line.result.message) : ''
}

export function messageText({ content }: Anthropic.Message): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}
