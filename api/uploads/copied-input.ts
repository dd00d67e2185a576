import { BatchwrightError } from '../../core/errors.ts'
import type { JobSpec } from '../../core/job-spec.ts'
import { readInputs } from '../../db/inputs.ts'
import { loadJob } from '../../db/job-state.ts'
import { identifiedLine } from '../../formats/identified-line.ts'
import type { Dependencies } from '../dependencies.ts'
import type { ByteLine } from './byte-lines.ts'
import { createMeter, refuseTemplate } from './input-stream.ts'
import type { JobInput } from './job-input.ts'
import type { ResolvedSpec } from './spec.ts'

/** What a job asks of its items, as part of the question. Where they go and how is the new job's own. */
const askedAlike = ['system', 'schema', 'max_tokens', 'temperature'] as const satisfies ReadonlyArray<keyof JobSpec>

/**
 * The items of another job as an input, with the ids that they have there. Throws `job_not_found`, `upload_in_progress`, and `job_deleted` when it is
 * deleted meanwhile.
 */
export async function copiedInput(
  { database, config }: Dependencies,
  body: object,
  resolve: (spec: unknown) => ResolvedSpec,
): Promise<JobInput> {
  const { from, ...given } = body as { from: unknown } & Record<string, unknown>
  const job = await loadJob(database.drizzle, String(from))
  if (job.status === 'validating') {
    throw job.draft === null
      ? new BatchwrightError('upload_in_progress', `job ${job.id} is still being uploaded`)
      : new BatchwrightError('job_is_draft', `job ${job.id} is a draft, to which items may still be added: start it first`)
  }
  const earlier = JSON.parse(job.spec) as JobSpec
  const asked = Object.fromEntries(askedAlike.flatMap((field) => (earlier[field] === undefined ? [] : [[field, earlier[field]]])))
  const resolved = resolve({ ...asked, ...given })
  refuseTemplate(resolved.spec.prompt)
  const meter = createMeter(`${resolved.canonical}\nfrom ${job.id}\njsonl\n`, { maxBytes: config.maxInputBytes })
  async function* lines(): AsyncGenerator<ByteLine[]> {
    let items = 0
    for await (const page of readInputs(database, job.id, 'all')) {
      const batch: ByteLine[] = []
      for await (const bytes of meter.pass(page.map(({ line, customId }) => Buffer.from(identifiedLine(line, customId)))))
        batch.push({ number: ++items, bytes: bytes as Buffer, problem: null, terminated: true })
      yield batch
    }
    if (items !== job.items) throw new BatchwrightError('job_deleted', `job ${job.id} was deleted while its items were copied`)
  }
  return {
    resolved,
    meter,
    lines,
    drain: async () => {
      for await (const page of lines()) void page
    },
  }
}
