import { createReadStream, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openJournal } from './journal.ts'
import { hashHex } from './random.ts'
import { openWebhookLog, type WebhookLog } from './webhook-log.ts'

/** Stands for an API key in the books and in state: the key itself is never kept, in case someone uses a real one. */
export function keyFingerprint(key: string): string {
  return `key_${hashHex(key, 12)}`
}

/** A call that creates something: written when it arrives, and again when it ends. */
export interface CreateCall {
  readonly id: string
  readonly at: string
  readonly provider: string
  readonly route: string
  readonly key: string | null
  /** What was made; null if nothing was. */
  object_id: string | null
  /** `batches.create`: of which file. */
  input_file_id?: string
  applied: boolean
  /** The whole answer left the simulator. A client may still not have got it. */
  answered: boolean
  status: number | null
  fault: string | null
}

/** One executed request, as a line of `/_simulator/books/requests`. */
export interface BilledRequest {
  readonly provider: string
  readonly via: 'batch' | 'realtime'
  readonly key: string
  readonly batch_id: string | null
  readonly custom_id: string | null
  readonly fingerprint: string
  readonly endpoint: string
  readonly model: string
  readonly status_code: number
  /** Failed requests cost nothing. */
  readonly billed: boolean
  /** False for an answer that was charged but that the client can't find: lost lines, broken lines. */
  readonly delivered: boolean
  readonly input_tokens: number
  readonly output_tokens: number
  readonly reasoning_tokens: number
  /** Anthropic: beside the input tokens. */
  readonly cache_creation_input_tokens?: number
  readonly cache_read_input_tokens?: number
  readonly cost_nano_usd: string
  readonly fault: string | null
}

export interface Bill {
  requests: number
  input_tokens: number
  output_tokens: number
  cost_nano_usd: bigint
}

type CallEntry =
  | { readonly type: 'received'; readonly call: CreateCall }
  | { readonly type: 'ended'; readonly id: string; readonly changes: Partial<CreateCall> }

export interface Books {
  /** Every call is counted; one that creates something is also kept. */
  countCall(provider: string, route: string): void
  received(call: CreateCall): void
  ended(id: string, changes: Partial<CreateCall>): void
  createCalls(): Iterable<CreateCall>
  calls(): Readonly<Record<string, number>>
  billRealtime(request: BilledRequest): void
  /** Where the requests of a batch are written, complete or not at all. */
  batchRequestsPath(batchId: string): string
  realtimeBill(): Readonly<Bill>
  readonly webhooks: WebhookLog
  /** All executed requests: of batches in the given order, then realtime ones. */
  requests(batchIds: Iterable<string>): AsyncGenerator<Buffer>
  close(): void
}

export function openBooks(directory: string): Books {
  const batchDirectory = join(directory, 'batches')
  mkdirSync(batchDirectory, { recursive: true })
  const realtimePath = join(directory, 'realtime.jsonl')
  const creates = new Map<string, CreateCall>()
  const counts: Record<string, number> = {}
  const realtime: Bill = { requests: 0, input_tokens: 0, output_tokens: 0, cost_nano_usd: 0n }

  const addToBill = (request: BilledRequest): void => {
    if (!request.billed) return
    realtime.requests++
    realtime.input_tokens += request.input_tokens
    realtime.output_tokens += request.output_tokens
    realtime.cost_nano_usd += BigInt(request.cost_nano_usd)
  }
  const applyCall = (entry: CallEntry): void => {
    if (entry.type === 'received') creates.set(entry.call.id, entry.call)
    else Object.assign(creates.get(entry.id) ?? {}, entry.changes)
  }
  const callJournal = openJournal<CallEntry>(join(directory, 'calls.jsonl'), applyCall)
  const realtimeJournal = openJournal<BilledRequest>(realtimePath, addToBill)

  const webhooks = openWebhookLog(join(directory, 'webhooks.jsonl'))

  const record = (entry: CallEntry): void => {
    callJournal.append(entry)
    applyCall(entry)
  }
  // Gemini’s ids have a slash.
  const batchRequestsPath = (batchId: string): string => join(batchDirectory, `${batchId.replaceAll('/', '-')}.jsonl`)

  return {
    countCall(provider, route) {
      const name = `${provider}/${route}`
      counts[name] = (counts[name] ?? 0) + 1
    },
    received: (call) => record({ type: 'received', call }),
    ended: (id, changes) => record({ type: 'ended', id, changes }),
    createCalls: () => creates.values(),
    calls: () => counts,
    billRealtime(request) {
      realtimeJournal.append(request)
      addToBill(request)
    },
    batchRequestsPath,
    realtimeBill: () => realtime,
    webhooks,
    async *requests(batchIds) {
      for (const path of [...Array.from(batchIds, batchRequestsPath), realtimePath]) {
        if (!existsSync(path)) continue
        for await (const chunk of createReadStream(path, { highWaterMark: 256 << 10 })) yield chunk as Buffer
      }
    },
    close() {
      callJournal.close()
      realtimeJournal.close()
      webhooks.close()
    },
  }
}
