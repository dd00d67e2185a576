import { billedRequest, type RequestToBill } from './billed-request.ts'
import { decideItemFault, type ItemFault } from './item-faults.ts'
import { itemFaultRules, type RuntimeOptions } from './options.ts'
import { shuffledIndexes, hashNumber } from './random.ts'
import type { Spool } from './spool.ts'
import type { Usage } from './usage.ts'

/** What a finished line is: an answer, an error, a request that nobody came to in time, or nothing that the client ever sees. */
export type LineFate = 'output' | 'error' | 'expired' | 'lost'

/** One request of a batch: its rendered result and its bill lie in the spool, one after the other. */
export interface PreparedLine {
  readonly offset: number
  /** The bytes up to and including the custom_id, for lines that get another ending. */
  readonly prefixBytes: number
  readonly lineBytes: number
  readonly billBytes: number
  readonly fate: LineFate
  readonly usage: Usage | null
  readonly costNanoUsd: number
  /** Set if executing it counts as an attempt of a prompt with a limited fault. */
  readonly countedFingerprint: string | null
}

export interface PreparedLines {
  readonly lines: readonly PreparedLine[]
  /** In which order the lines finish. */
  readonly order: Uint32Array
  readonly spool: Spool
}

export interface RenderedLine {
  readonly fate: LineFate
  /** Up to and including the custom_id. */
  readonly prefix: string
  readonly ending: string
  readonly bill: Omit<RequestToBill, 'fault' | 'fingerprint' | 'delivered'>
}

/** What the preparation of a batch needs. */
export interface Preparation<Batch> {
  readonly batch: Batch
  readonly options: RuntimeOptions
  readonly seed: number
  readonly inputPath: string
  readonly spoolPath: string
  readonly attemptsOf: (fingerprint: string) => number
}

export interface LineRendering extends Pick<Preparation<unknown>, 'options' | 'seed' | 'attemptsOf'> {
  readonly spool: Spool
}

export type RenderLine = (fingerprint: string, text: string, render: (fault: ItemFault | null) => RenderedLine) => PreparedLine

/** Works out what comes of one request after another, faults included, and puts it into the spool. */
export function lineRenderer({ options, seed, attemptsOf, spool }: LineRendering): RenderLine {
  const rules = itemFaultRules(options)
  // A prompt that is in the batch twice fails its limited number of times in all, not for each line.
  const attemptsHere = new Map<string, number>()
  return (fingerprint, text, render) => {
    const earlier = attemptsHere.get(fingerprint) ?? 0
    const { fault, counted } = decideItemFault(rules, seed, fingerprint, text, attemptsOf(fingerprint) + earlier)
    if (counted) attemptsHere.set(fingerprint, earlier + 1)
    const { fate, prefix, ending, bill } = render(fault)
    const billed = billedRequest({ ...bill, fingerprint, delivered: fate !== 'lost', fault: fault?.kind ?? null })
    const billText = `${JSON.stringify(billed)}\n`
    const offset = spool.append(`${prefix}${ending}\n${billText}`)
    const billBytes = Buffer.byteLength(billText)
    return {
      offset,
      prefixBytes: Buffer.byteLength(prefix),
      lineBytes: spool.lastLength - billBytes,
      billBytes,
      fate,
      usage: bill.usage,
      costNanoUsd: Number(billed.cost_nano_usd),
      countedFingerprint: counted ? fingerprint : null,
    }
  }
}

/** In which order so many lines finish; the same for the batch of the same number in every run. */
export function finishingOrder(lines: number, { options, seed }: LineRendering, batchNumber: number): Uint32Array {
  return options.quirks.random_order
    ? shuffledIndexes(lines, hashNumber(`${seed}:${batchNumber}`))
    : Uint32Array.from({ length: lines }, (_value, index) => index)
}
