import type { Bill, Books, CreateCall } from './books.ts'
import type { BatchSummary, FileSummary, LoadSummary, ProviderSimulation } from './provider-simulation.ts'
import type { WebhookDelivery } from './webhook-log.ts'

export interface WireBill {
  readonly requests: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cost_nano_usd: string
}

/** `GET /_simulator/books`: what a test compares a client's database with. Money is a decimal string of nano-dollars. */
export interface BooksSummary {
  /** Calls by `<provider>/<route>` since the simulator started. */
  readonly calls: Readonly<Record<string, number>>
  /** Uploads and batches; realtime calls too with `?realtime=true`. */
  readonly create_calls: readonly CreateCall[]
  readonly files: readonly FileSummary[]
  readonly batches: readonly BatchSummary[]
  readonly billed: { readonly batch: WireBill; readonly realtime: WireBill; readonly cost_nano_usd: string }
  readonly load: Readonly<Record<string, LoadSummary>>
  /** What receivers were told of ended batches, with every attempt. */
  readonly webhooks: readonly WebhookDelivery[]
}

export function booksSummary(providers: readonly ProviderSimulation[], books: Books, withRealtime: boolean): BooksSummary {
  const batch: Bill = { requests: 0, input_tokens: 0, output_tokens: 0, cost_nano_usd: 0n }
  for (const provider of providers) {
    const own = provider.batchBill()
    batch.requests += own.requests
    batch.input_tokens += own.input_tokens
    batch.output_tokens += own.output_tokens
    batch.cost_nano_usd += own.cost_nano_usd
  }
  const realtime = books.realtimeBill()
  return {
    calls: books.calls(),
    create_calls: [...books.createCalls()].filter((call) => withRealtime || call.route.endsWith('.create')),
    files: providers.flatMap((provider) => provider.files()),
    batches: providers.flatMap((provider) => provider.batches()),
    billed: {
      batch: wireBill(batch),
      realtime: wireBill(realtime),
      cost_nano_usd: String(batch.cost_nano_usd + realtime.cost_nano_usd),
    },
    load: Object.fromEntries(providers.map((provider) => [provider.name, provider.load()])),
    webhooks: [...books.webhooks.deliveries()],
  }
}

function wireBill({ cost_nano_usd, ...counts }: Readonly<Bill>): WireBill {
  return { ...counts, cost_nano_usd: String(cost_nano_usd) }
}
