import type OpenAI from 'openai'
import type { WireBatch } from '../openai/wire.ts'
import { simulatorControl, startSimulator, type Simulator, type SimulatorControl, type SimulatorOptions } from '../simulator.ts'
import { waitUntil } from './wait-until.ts'

/** A line of an output or error file, as a client reads it. */
export interface ResultLine {
  id: string
  custom_id: string
  response: {
    status_code: number
    request_id: string
    body: Record<string, unknown> & {
      choices?: OpenAI.ChatCompletion.Choice[]
      error?: { message: string; code: string | null; param: string | null }
    }
  } | null
  error: { code: string; message: string } | null
}

export interface SimulatedProject extends AsyncDisposable {
  readonly simulator: Simulator
  readonly control: SimulatorControl
  /** The official SDK, without its own retries. */
  readonly client: OpenAI
  clientOf(apiKey: string): OpenAI
  upload(lines: readonly string[], name?: string): Promise<string>
  create(fileId: string, endpoint?: OpenAI.BatchCreateParams['endpoint']): Promise<OpenAI.Batch>
  /** Uploads, creates, and waits for the end. */
  run(lines: readonly string[], endpoint?: OpenAI.BatchCreateParams['endpoint']): Promise<WireBatch>
  /** Asks until the batch is as wanted, by default ended. Throws after the deadline. */
  wait(batchId: string, wanted?: (batch: WireBatch) => boolean): Promise<WireBatch>
  results(fileId: string | null): Promise<ResultLine[]>
}

const ended = ({ status }: WireBatch): boolean => ['completed', 'failed', 'expired', 'cancelled'].includes(status)

/** Starts simulators for tests. The SDK is handed in: the simulator's own room takes only its types. */
export function simulatedProjects(sdk: typeof OpenAI): (options?: SimulatorOptions) => Promise<SimulatedProject> {
  return (options = {}) => simulatedProject(sdk, options)
}

async function simulatedProject(sdk: typeof OpenAI, options: SimulatorOptions): Promise<SimulatedProject> {
  const simulator = await startSimulator({ duration_ms: 0, cancelling_ms: 0, ...options })
  const clientOf = (apiKey: string): OpenAI => new sdk({ apiKey, baseURL: simulator.baseUrls.openai, maxRetries: 0 })
  const client = clientOf('sk-test')
  const upload = async (lines: readonly string[], name = 'input.jsonl'): Promise<string> =>
    (await client.files.create({ file: new File([lines.join('\n')], name), purpose: 'batch' })).id
  const create = (
    fileId: string,
    endpoint: OpenAI.BatchCreateParams['endpoint'] = '/v1/chat/completions',
  ): Promise<OpenAI.Batch> => client.batches.create({ input_file_id: fileId, endpoint, completion_window: '24h' })
  const wait = (batchId: string, wanted = ended): Promise<WireBatch> =>
    waitUntil(async () => (await client.batches.retrieve(batchId)) as WireBatch, wanted)
  return {
    simulator,
    control: simulatorControl(simulator.url),
    client,
    clientOf,
    upload,
    create,
    wait,
    run: async (lines, endpoint) => wait((await create(await upload(lines), endpoint)).id),
    async results(fileId) {
      if (fileId === null) return []
      const text = await (await client.files.content(fileId)).text()
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as ResultLine)
    },
    [Symbol.asyncDispose]: () => simulator.close(),
  }
}

/** A line of an input file. */
export function chatLine(customId: string, prompt: string, body: Record<string, unknown> = {}): string {
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body: chatBody(prompt, body) })
}

export function chatBody(prompt: string, body: Record<string, unknown> = {}): Record<string, unknown> {
  return { model: 'gpt-4o-mini', messages: [{ role: 'user', content: prompt }], ...body }
}

export function chatLines(count: number, prompt = 'Question'): string[] {
  return Array.from({ length: count }, (_value, index) => chatLine(`item-${index}`, `${prompt} ${index}`))
}

export function textOf(line: ResultLine): string {
  return line.response?.body.choices?.[0]?.message.content ?? ''
}
