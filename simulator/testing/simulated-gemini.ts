import type { BatchJob, File as GeminiFile, GoogleGenAI } from '@google/genai'
import type { WireInlinedResponse, WireOperation, WireResponse } from '../gemini/wire.ts'
import { simulatorControl, startSimulator, type Simulator, type SimulatorControl, type SimulatorOptions } from '../simulator.ts'
import { waitUntil } from './wait-until.ts'

/** A line of a results file. */
export type ResultLine = Pick<WireInlinedResponse, 'error'> & { readonly key?: string; readonly response?: WireResponse }

export interface SimulatedGemini extends AsyncDisposable {
  readonly simulator: Simulator
  readonly control: SimulatorControl
  /** The official SDK as it is: it repeats nothing on its own. */
  readonly client: GoogleGenAI
  clientOf(apiKey: string): GoogleGenAI
  /** A plain call below `/gemini`, with the key of `client`. */
  call(path: string, init?: RequestInit): Promise<Response>
  upload(lines: readonly string[], displayName?: string): Promise<GeminiFile>
  /** Uploads the lines and creates a batch of them. */
  create(lines: readonly string[], displayName?: string): Promise<BatchJob>
  /** Uploads, creates, and waits for the end. */
  run(lines: readonly string[]): Promise<WireOperation>
  /** Asks until the batch is as wanted, by default over. Throws after the deadline. */
  wait(name: string | undefined, wanted?: (operation: WireOperation) => boolean): Promise<WireOperation>
  operation(name: string | undefined): Promise<WireOperation>
  /** The lines of the file that a batch ended with. */
  results(operation: WireOperation): Promise<ResultLine[]>
  rawResults(operation: WireOperation): Promise<Buffer>
}

export const testModel = 'gemini-2.5-flash'

/** Starts simulators for tests. The SDK is handed in: the simulator's own room takes only its types. */
export function simulatedGeminis(sdk: typeof GoogleGenAI): (options?: SimulatorOptions) => Promise<SimulatedGemini> {
  return async (options = {}) => {
    const simulator = await startSimulator({ duration_ms: 0, cancelling_ms: 0, ...options })
    const baseUrl = simulator.baseUrls.gemini
    const clientOf = (apiKey: string): GoogleGenAI => new sdk({ apiKey, vertexai: false, httpOptions: { baseUrl } })
    const client = clientOf('sk-test')
    const call: SimulatedGemini['call'] = (path, init = {}) =>
      fetch(`${baseUrl}${path}`, { ...init, headers: { 'x-goog-api-key': 'sk-test', ...init.headers } })
    const operation: SimulatedGemini['operation'] = async (name) =>
      (await (await call(`/v1beta/${name ?? ''}`)).json()) as WireOperation
    const wait: SimulatedGemini['wait'] = (name, wanted = ({ done }) => done === true) => waitUntil(() => operation(name), wanted)
    const upload: SimulatedGemini['upload'] = (lines, displayName = 'input.jsonl') =>
      client.files.upload({ file: new Blob([lines.join('\n')]), config: { mimeType: 'application/jsonl', displayName } })
    const create: SimulatedGemini['create'] = async (lines, displayName = 'test') =>
      client.batches.create({ model: testModel, src: (await upload(lines)).name ?? '', config: { displayName } })
    const rawResults: SimulatedGemini['rawResults'] = async ({ response }) =>
      Buffer.from(await (await call(`/download/v1beta/${response?.responsesFile ?? ''}:download?alt=media`)).arrayBuffer())
    return {
      simulator,
      control: simulatorControl(simulator.url),
      client,
      clientOf,
      call,
      upload,
      create,
      run: async (lines) => wait((await create(lines)).name),
      wait,
      operation,
      rawResults,
      results: async (ended) =>
        (await rawResults(ended))
          .toString()
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as ResultLine),
      [Symbol.asyncDispose]: () => simulator.close(),
    }
  }
}

export function generateRequest(prompt: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { contents: [{ role: 'user', parts: [{ text: prompt }] }], ...more }
}

/** A line of an input file. */
export function requestLine(key: string, prompt: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ key, request: generateRequest(prompt, more) })
}

export function requestLines(count: number, prompt = 'Question'): string[] {
  return Array.from({ length: count }, (_value, index) => requestLine(`item-${index}`, `${prompt} ${index}`))
}

/** The text of a response; empty for anything else. */
export function responseText(response: WireResponse | undefined): string {
  return (
    response?.candidates?.[0]?.content?.parts?.map(({ text, thought }) => (thought === true ? '' : (text ?? ''))).join('') ?? ''
  )
}
