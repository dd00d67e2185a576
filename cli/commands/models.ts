import type { Command } from 'commander'
import type { Model } from '../../client/batchwright.ts'
import { firstOf, printJsonList, printLine, type Cli } from '../cli.ts'
import { createCommand, runWith } from '../command.ts'
import { parseCount } from '../option-values.ts'
import { formatCount } from '../quantities.ts'
import { renderTable } from '../table.ts'

interface ModelsOptions {
  provider?: string
  limit?: number
  json?: boolean
}

export function modelsCommand(cli: Cli): Command {
  return createCommand({
    name: 'models',
    group: 'Setup',
    summary: 'List the models that are known, with their limits and prices',
    examples: ['models', 'models haiku', 'models --provider openai mini', 'models --json'],
  })
    .argument('[TEXT]', 'only models with this in their name')
    .option('--provider <NAME>', 'only models of this provider')
    .option('--limit <N>', 'models at most (default: all)', parseCount)
    .option('--json', 'print the models as a JSON array, with all prices and where they are from')
    .action(runWith(cli, async (text: string | undefined, options: ModelsOptions) => await models(cli, text, options)))
}

async function models(cli: Cli, text: string | undefined, options: ModelsOptions): Promise<void> {
  const { provider, limit = Number.POSITIVE_INFINITY } = options
  const found = firstOf(cli.client().models.list({ provider, name: text === '' ? undefined : text }), limit)
  if (options.json === true) {
    await printJsonList(cli, found)
    return
  }
  const rows = await Array.fromAsync(found)
  if (rows.length === 0) {
    printLine(cli.stderr, 'No such model is known. A new one can be added in batchwright.yaml, under models.')
    return
  }
  printLine(cli.stdout, renderModels(rows))
  printLine(cli.stderr, 'Prices in dollars per million tokens, input / output; cached input and sources are in --json.')
}

export function renderModels(models: readonly Model[]): string {
  return renderTable<Model>(
    [
      { title: 'PROVIDER', value: (model) => model.provider },
      { title: 'MODEL', value: (model) => model.name },
      { title: 'CONTEXT', value: (model) => formatTokens(model.context_tokens), align: 'right' },
      { title: 'OUTPUT', value: (model) => formatTokens(model.max_output_tokens), align: 'right' },
      { title: 'TAKES', value: describeCapabilities },
      { title: 'BATCH', value: (model) => formatPrices(model, 'batch'), align: 'right' },
      { title: 'REALTIME', value: (model) => formatPrices(model, 'realtime'), align: 'right' },
      { title: 'SINCE', value: (model) => model.prices?.from ?? '' },
    ],
    models,
  )
}

/** Embeddings have nothing else; all others take text. */
function describeCapabilities({ capabilities }: Model): string {
  const named: ReadonlyArray<readonly [isThere: boolean, name: string]> = [
    [capabilities.reasoning, 'reasoning'],
    [capabilities.structured_output, 'schema'],
    [capabilities.tools, 'tools'],
    [capabilities.images, 'images'],
    [capabilities.files, 'files'],
    [capabilities.embeddings, 'embeddings'],
  ]
  return named
    .filter(([isThere]) => isThere)
    .map(([, name]) => name)
    .join(' ')
}

function formatTokens(tokens: number | null): string {
  return tokens === null ? '' : formatCount(tokens)
}

/** Exact, as they are in the provider's list. */
function formatPrices({ prices, capabilities }: Model, mode: 'batch' | 'realtime'): string {
  if (prices === null) return 'unknown'
  const { input, output } = prices[mode]
  return capabilities.embeddings && output === '0' ? input : `${input} / ${output}`
}
