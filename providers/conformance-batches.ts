import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatItemId } from '../core/item-id.ts'
import type { ProviderResult } from '../formats/canonical-answer.ts'
import type { ItemRequest } from '../formats/canonical-request.ts'
import { type JobDefaults, noDefaults } from '../formats/rendering.ts'
import type { ConformanceSubject } from './conformance-subject.ts'
import { isTerminalAtProvider, type CreateInput, type Provider, type ProviderBatch } from './provider.ts'

/** What a batch is created from. */
type BatchSource = Pick<CreateInput, 'inputFileId' | 'path' | 'displayName'>

/** How the cases of the conformance suite make batches and look at them, at the provider that the test of the moment has. */
export function conformanceBatches(current: () => { subject: ConformanceSubject; directory: string }, signal: AbortSignal) {
  const defaults = (): JobDefaults => ({ ...noDefaults, model: current().subject.model, endpoint: current().subject.endpoint })

  const prompt = (text: string): ItemRequest => ({ kind: 'generate', messages: [{ role: 'user', content: text }] })

  async function upload(token: string, prompts: readonly string[]): Promise<BatchSource> {
    const lines = prompts.map((text, index) =>
      current().subject.provider.line(
        formatItemId(token, index + 1),
        current().subject.provider.render(prompt(text), defaults()),
      ),
    )
    const path = join(current().directory, `${token}.jsonl`)
    await writeFile(path, lines.map((line) => `${line}\n`).join(''))
    const uploaded = await current().subject.provider.upload({
      fileName: token,
      path,
      endpoint: current().subject.endpoint,
      signal,
    })
    return { ...uploaded, path, displayName: `job-1-batch-${token}-attempt-1` }
  }

  function create(
    source: BatchSource,
    options: { provider?: Provider; signal?: AbortSignal; beforeSend?: () => void } = {},
  ): Promise<ProviderBatch> {
    return (options.provider ?? current().subject.provider).create({
      ...source,
      endpoint: current().subject.endpoint,
      model: current().subject.model,
      signal: options.signal ?? signal,
      beforeSend: options.beforeSend ?? (() => undefined),
    })
  }

  async function waitForEnd(id: string): Promise<ProviderBatch> {
    const deadline = Date.now() + 15_000
    for (;;) {
      const batch = await current().subject.provider.retrieve(id, signal)
      if (isTerminalAtProvider(batch.status)) return batch
      if (Date.now() > deadline) throw new Error(`batch ${id} is still ${batch.rawStatus}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async function run(token: string, prompts: readonly string[]): Promise<{ batch: ProviderBatch; results: ProviderResult[] }> {
    const batch = await waitForEnd((await create(await upload(token, prompts))).id)
    return { batch, results: await Array.fromAsync(current().subject.provider.results(batch, signal)) }
  }

  async function listed(): Promise<ProviderBatch[]> {
    return Array.fromAsync(current().subject.provider.list(new Date(Date.now() - 60_000), signal))
  }

  return { defaults, prompt, upload, create, waitForEnd, run, listed }
}
