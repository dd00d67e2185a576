import type {
  BatchJob,
  BatchJobSource,
  Candidate,
  CompletionStats,
  ContentEmbedding,
  File as SdkFile,
  GenerateContentResponse,
  GenerateContentResponsePromptFeedback,
  GenerateContentResponseUsageMetadata,
  InlinedEmbedContentResponse,
  InlinedResponse,
  JobState,
  Model,
  SingleEmbedContentResponse,
} from '@google/genai'

/** A type of the SDK as it looks on the wire: its enumerations are texts there. */
export type OnTheWire<T> = T extends string
  ? `${T}`
  : T extends readonly (infer Item)[]
    ? OnTheWire<Item>[]
    : T extends object
      ? { [Key in keyof T]: OnTheWire<T[Key]> }
      : T

/** What every stored file has: a field that a new version of the SDK adds or renames fails the type check here. */
export type WireFile = OnTheWire<Required<Omit<SdkFile, 'videoMetadata' | 'error' | 'downloadUri' | 'displayName'>>> &
  OnTheWire<Pick<SdkFile, 'downloadUri' | 'displayName'>>

export type WireCandidate = OnTheWire<Candidate>
export type FinishReason = NonNullable<WireCandidate['finishReason']>
export type BlockReason = NonNullable<OnTheWire<GenerateContentResponsePromptFeedback>['blockReason']>
export type WireUsage = OnTheWire<GenerateContentResponseUsageMetadata>
export type WireResponse = OnTheWire<
  Pick<GenerateContentResponse, 'candidates' | 'promptFeedback' | 'usageMetadata' | 'modelVersion' | 'responseId'>
>
export type WireEmbedding = OnTheWire<SingleEmbedContentResponse>
export type WireValues = OnTheWire<ContentEmbedding>

/** As `GET /v1beta/models` lists it: what the SDK calls `supportedActions` has another name there. */
export type WireModel = OnTheWire<
  Pick<Model, 'name' | 'version' | 'displayName' | 'inputTokenLimit' | 'outputTokenLimit' | 'temperature' | 'topP' | 'thinking'>
> & { readonly supportedGenerationMethods: readonly string[] }

type StateName<State extends string> = State extends `JOB_STATE_${infer Name}` ? Name : never
/** What the SDK calls JOB_STATE_… is BATCH_STATE_… on the wire (its `tJobState`); of its states these are a batch's. */
export type BatchState = `BATCH_STATE_${Extract<
  StateName<`${JobState}`>,
  'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'EXPIRED'
>}`

/** https://ai.google.dev/api/files#v1beta.Status: a number of gRPC, not of HTTP. */
export interface WireStatus {
  readonly code: number
  readonly message: string
  readonly details?: readonly unknown[]
}

/** Counts are texts, and left out where they are 0 (https://github.com/googleapis/python-genai/issues/1323). The SDK drops them. */
export type WireStats = {
  readonly [Count in 'requestCount' | 'successfulRequestCount' | 'failedRequestCount' | 'pendingRequestCount']?: NonNullable<
    CompletionStats['successfulCount']
  >
}

export type WireInlinedResponse = OnTheWire<Pick<InlinedResponse, 'metadata'> | Pick<InlinedEmbedContentResponse, 'metadata'>> & {
  readonly response?: WireResponse | WireEmbedding
  readonly error?: WireStatus
}

export interface WireOutput {
  readonly responsesFile?: string
  readonly inlinedResponses?: { readonly inlinedResponses: readonly unknown[] }
}

type Typed = { readonly '@type': string }

/** A batch: a long-running operation, whose `metadata` is what the SDK makes its BatchJob of (its `batchJobFromMldev`). */
export interface WireOperation {
  readonly name: string
  readonly metadata: Typed &
    Readonly<Required<Pick<BatchJob, 'name' | 'model' | 'createTime' | 'updateTime'>>> &
    Readonly<Pick<BatchJob, 'endTime' | 'displayName'>> & {
      readonly state: BatchState
      readonly inputConfig?: Readonly<Required<Pick<BatchJobSource, 'fileName'>>>
      readonly batchStats?: WireStats
      readonly output?: WireOutput
    }
  readonly done?: true
  readonly error?: WireStatus
  readonly response?: Typed & WireOutput
}

/** What a batch asks of its model, by the verb of its create. */
export const batchMethods = ['batchGenerateContent', 'asyncBatchEmbedContent'] as const
export type BatchMethod = (typeof batchMethods)[number]
