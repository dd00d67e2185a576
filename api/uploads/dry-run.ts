import { placeholderItemId } from '../../core/item-id.ts'
import { parseExactJson } from '../../core/exact-json.ts'
import type { JsonObject } from '../../core/json.ts'
import { createSharder, type Shard } from '../../core/sharding.ts'
import { findItemLine } from '../../db/items.ts'
import { countWarnings, readItems } from '../../db/plan.ts'
import { parseInputLine } from '../../formats/input-line.ts'
import { lineOf, renderers } from '../../formats/renderers.ts'
import type { DryRun } from '../contracts/jobs.ts'
import type { Dependencies } from '../dependencies.ts'
import { batchLimits } from './batch-limits.ts'
import type { InputErrors } from './input-errors.ts'
import { jobDefaults, type LineSummary } from './line-checker.ts'
import type { ResolvedSpec } from './spec.ts'

const batchesListed = 100
const warningsListed = 20

/** Plans round 1 of a job whose items are all in, as a worker would, and writes its first line. Nothing is stored by it. */
export async function describeDryRun(
  { database, catalog }: Dependencies,
  jobId: string,
  { spec, provider }: ResolvedSpec,
  summary: LineSummary,
  errors: InputErrors,
): Promise<DryRun> {
  const jobModel = summary.model ?? summary.jobModel
  const sharder = createSharder({
    destinationOf: ({ endpoint, model }) => ({
      model: model ?? jobModel ?? '',
      endpoint: endpoint ?? summary.endpoint ?? '/v1/chat/completions',
    }),
    limitsOf: (model) => batchLimits(catalog, provider, spec, model),
    // Anthropic's batches are told by nothing but their size.
    sizes: provider.kind === 'anthropic' ? 'distinct' : 'any',
  })
  const listed: Shard[] = []
  const total = { items: 0, bytes: 0, tokens: 0, batches: 0 }
  const count = (shard: Shard) => {
    total.batches += 1
    if (listed.length < batchesListed) listed.push(shard)
  }
  for (let after = 0; ;) {
    const page = await readItems(database.sql, jobId, after)
    const last = page.at(-1)
    if (last === undefined) break
    after = last.seq
    for (const item of page) {
      total.items += 1
      total.bytes += item.bytes
      total.tokens += item.tokens
      const { full } = sharder.add(item)
      if (full !== null) count(full)
    }
  }
  for (const shard of sharder.open()) count(shard)
  const first = parseInputLine((await findItemLine(database, jobId, 1)) ?? '', 1)
  const rendered = renderers[provider.kind](first.request, { ...jobDefaults(spec), model: summary.jobModel }, (model) =>
    catalog.capabilities(provider.kind, model),
  )
  return {
    provider: provider.name,
    model: jobModel,
    endpoint: summary.endpoint,
    simulated: provider.simulated,
    items: total.items,
    rejected_lines: errors.count,
    rejects: errors.listed().map(({ line, field, reason }) => ({ line, field, reason })),
    bytes: total.bytes,
    tokens: total.tokens,
    batches: total.batches,
    batch_list: listed.map(({ model, endpoint, size }) => ({
      model,
      endpoint,
      items: size.requests,
      bytes: size.bytes,
      tokens: size.tokens,
    })),
    warnings: (await countWarnings(database, jobId, warningsListed)).map(({ warnings, items }) => ({
      warnings: JSON.parse(warnings) as string[],
      items,
    })),
    first_request: parseExactJson(lineOf(provider.kind, placeholderItemId(1), rendered)) as JsonObject,
  }
}
