import {
  condition,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  type SignalDefinition,
} from '@temporalio/workflow'
import { defineSearchAttributeKey } from '@temporalio/common'
import { batchWorkflowId } from '../core/job-id.ts'
import type { JobStatus } from '../core/statuses.ts'
import type { BegunJob, RetryRequest } from '../activities/job.ts'
import { databaseActivities } from './activity-proxies.ts'
import {
  batchEndedSignal,
  batchPausedSignal,
  cancelSignal,
  pauseSignal,
  pollSignal,
  resumeSignal,
  retrySignal,
} from './messages.ts'

/** `look`: a batch says that its job was paused. */
type Command = 'cancel' | 'pause' | 'resume' | 'poll' | 'look'

const jobIdKey = defineSearchAttributeKey('JobId', 'KEYWORD')
const jobNameKey = defineSearchAttributeKey('JobName', 'KEYWORD')
const providerKey = defineSearchAttributeKey('Provider', 'KEYWORD')
const jobStatusKey = defineSearchAttributeKey('JobStatus', 'KEYWORD')

/**
 * The signals of a job, obeyed one at a time and in order while the job waits for something; whatever waits goes through `waitUntil`. Only
 * activities change the job's state.
 */
export class JobControl {
  readonly #jobId: string
  readonly #inbox: Command[] = []
  /** Batches whose workflow runs. */
  readonly #open = new Set<number>()
  /** Those of them that are no children of this run. */
  readonly #adopted = new Set<number>()
  /** Batches that said so. An end may be told before the batch is adopted. */
  readonly #ended = new Set<number>()
  readonly #lost = new Set<number>()
  /** Parts of refused batches and batches that were lost, to be started. */
  #parts: number[] = []
  #retry: RetryRequest | null
  #isCancelled = false
  #resumes = 0
  #searchAttributes = false
  #shownStatus: JobStatus | null = null

  constructor(jobId: string, retry: RetryRequest | null) {
    this.#jobId = jobId
    this.#retry = retry
    setHandler(cancelSignal, () => this.receive('cancel'))
    setHandler(pauseSignal, () => this.receive('pause'))
    setHandler(resumeSignal, () => this.receive('resume'))
    setHandler(pollSignal, () => this.receive('poll'))
    setHandler(retrySignal, (request) => void (this.#retry = request ?? {}))
    setHandler(batchEndedSignal, (batch, parts) => {
      this.#parts.push(...(parts ?? []))
      this.batchEnded(batch)
    })
    setHandler(batchPausedSignal, () => {
      if (!this.#inbox.includes('look')) this.receive('look')
    })
  }

  receive(command: Command): void {
    this.#inbox.push(command)
  }

  hasRetry(): boolean {
    return this.#retry !== null
  }

  takeRetry(): RetryRequest | null {
    const retry = this.#retry
    this.#retry = null
    return retry
  }

  /** Forgets a request for the same as this one. */
  dropRetry(same: RetryRequest): void {
    const classesOf = (request: RetryRequest | null) => JSON.stringify([...(request?.classes ?? [])].sort())
    if (classesOf(this.#retry) === classesOf(same)) this.#retry = null
  }

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  start({ status, name, queue, searchAttributes }: BegunJob): void {
    this.#searchAttributes = searchAttributes
    this.#isCancelled = status === 'cancelling'
    if (searchAttributes) {
      upsertSearchAttributes([
        { key: jobIdKey, value: this.#jobId },
        { key: jobNameKey, value: name },
        { key: providerKey, value: queue.provider },
      ])
    }
    this.showStatus(status)
  }

  end(status: JobStatus): void {
    this.showStatus(status)
    this.show(status)
  }

  /** One line at the top of the job's page in the Web UI. */
  show(details: string): void {
    setCurrentDetails(details)
  }

  get openBatches(): number {
    return this.#open.size
  }

  hasParts(): boolean {
    return this.#parts.length > 0
  }

  takeParts(): number[] {
    return this.#parts.splice(0)
  }

  /** False: it runs, or has ended already. */
  batchStarted(batch: number): boolean {
    if (this.#ended.has(batch) || this.#open.has(batch)) return false
    this.#open.add(batch)
    return true
  }

  /** It was started by an earlier run of this job, so its end is told by its signal alone. */
  batchAdopted(batch: number): void {
    if (this.#open.has(batch)) this.#adopted.add(batch)
  }

  /** An adopted batch may have been terminated without a word: whoever is still open is started or adopted again. */
  forgetAdopted(): void {
    for (const batch of this.#adopted) this.#open.delete(batch)
    this.#adopted.clear()
  }

  batchEnded(batch: number): void {
    this.#open.delete(batch)
    this.#adopted.delete(batch)
    this.#ended.add(batch)
  }

  /** A batch whose workflow died without an end is started again, after a while. */
  batchLost(batch: number): void {
    this.#open.delete(batch)
    this.#lost.add(batch)
  }

  batchFound(batch: number): void {
    if (this.#lost.delete(batch)) this.#parts.push(batch)
  }

  get lostBatches(): number {
    return this.#lost.size
  }

  get hasResumed(): boolean {
    return this.#resumes > 0
  }

  /** A batch that ended meanwhile can't be told, and need not be. */
  async tellBatch(batch: number, signal: SignalDefinition): Promise<void> {
    await Promise.allSettled([getExternalWorkflowHandle(batchWorkflowId(this.#jobId, batch)).signal(signal)])
  }

  /** Waits until `isDone`, or for `timeout.ms`, obeying what is asked meanwhile. False: the time is over. */
  async waitUntil(isDone: () => boolean, timeout?: { ms: number; summary: string }): Promise<boolean> {
    const isAwake = () => this.#inbox.length > 0 || isDone()
    const deadline = timeout === undefined ? null : { at: Date.now() + timeout.ms, summary: timeout.summary }
    for (;;) {
      for (let command = this.#inbox.shift(); command !== undefined; command = this.#inbox.shift()) await this.#obey(command)
      if (isDone()) return true
      if (deadline === null) await condition(isAwake)
      else if (Date.now() >= deadline.at || !(await condition(isAwake, deadline.at - Date.now(), { summary: deadline.summary })))
        return false
    }
  }

  /** Before the history ends: nothing that was asked may be left in it. */
  async obeyAll(): Promise<void> {
    await this.waitUntil(() => true)
  }

  async waitForResume(): Promise<void> {
    const seen = this.#resumes
    await this.waitUntil(() => this.#resumes > seen || this.#isCancelled)
  }

  /** The backoff before a round; a cancel ends it. */
  async waitBeforeRound(waitMs: number): Promise<void> {
    if (waitMs > 0) await this.waitUntil(() => this.#isCancelled, { ms: waitMs, summary: 'backoff before the round' })
  }

  async #obey(command: Command): Promise<void> {
    const jobId = this.#jobId
    switch (command) {
      case 'cancel':
        if (this.#isCancelled) return
        this.#isCancelled = true
        // What was to be sent again is not: the last word counts.
        this.#retry = null
        this.showStatus(await databaseActivities('cancel').markCancelling({ jobId }))
        return await this.#tellBatches(cancelSignal)
      case 'pause':
        return this.showStatus(await databaseActivities('pause').pause({ jobId, reason: 'user' }))
      case 'resume':
        this.#resumes += 1
        this.showStatus(await databaseActivities('resume').resume({ jobId }))
        return await this.#tellBatches(resumeSignal)
      case 'look':
        return this.showStatus(await databaseActivities('find the status').findStatus({ jobId }))
      case 'poll':
        return await this.#tellBatches(pollSignal)
    }
  }

  async #tellBatches(signal: SignalDefinition): Promise<void> {
    await Promise.all([...this.#open].map((batch) => this.tellBatch(batch, signal)))
  }

  /** Where the database has the job, once a change. */
  showStatus(status: JobStatus): void {
    if (status === this.#shownStatus) return
    this.#shownStatus = status
    if (this.#searchAttributes) upsertSearchAttributes([{ key: jobStatusKey, value: status }])
  }
}
