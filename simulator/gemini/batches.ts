import { rm } from 'node:fs/promises'
import { BodyTooLarge, json, readJson, type Exchange, type Reply } from '../exchange.ts'
import { isObject, type JsonObject } from '../json.ts'
import type { Route } from '../provider-simulation.ts'
import { readInput, storeInline, type BatchInput, type InputRules } from './batch-input.ts'
import { GeminiError, invalidArgument, notFound, tooLarge } from './errors.ts'
import { refuseUnknownModel, unknownModel } from './execution.ts'
import { fieldOf, listOf, messageOf, textOf } from './field.ts'
import { fileOf, noSuchFile, stateOf } from './files.ts'
import { batchName, fileName, newId } from './ids.ts'
import { embeds } from './models.ts'
import { wireOperation, type OperationDeps } from './operation.ts'
import { page } from './pagination.ts'
import { unknownField } from './parameters.ts'
import { isOver, type GeminiState, type StoredBatch } from './state.ts'
import { batchMethods, type BatchMethod } from './wire.ts'

export interface BatchesDeps extends OperationDeps {
  readonly state: GeminiState
  /** How often each batch was asked for by id. */
  readonly retrievals: Map<string, number>
}

/** https://ai.google.dev/gemini-api/docs/batch-api#inline-requests */
const mostInlineBytes = 20 << 20
const twoDaysMs = 48 * 3_600_000

export function batchRoutes(deps: BatchesDeps): Route[] {
  return [
    ...batchMethods.map((method): Route => ({
      name: 'batches.create',
      method: 'POST',
      path: `/v1beta/models/::${method}`,
      creates: true,
      handle: (exchange) => createBatch(deps, exchange, method),
    })),
    { name: 'batches.list', method: 'GET', path: '/v1beta/batches', handle: (exchange) => listBatches(deps, exchange) },
    { name: 'batches.retrieve', method: 'GET', path: '/v1beta/batches/:', handle: (exchange) => retrieveBatch(deps, exchange) },
    {
      name: 'batches.cancel',
      method: 'POST',
      path: '/v1beta/batches/::cancel',
      handle: (exchange) => cancelBatch(deps, exchange),
    },
    { name: 'batches.delete', method: 'DELETE', path: '/v1beta/batches/:', handle: (exchange) => deleteBatch(deps, exchange) },
  ]
}

async function createBatch(deps: BatchesDeps, exchange: Exchange, method: BatchMethod): Promise<Reply> {
  const { state, options, runner, files } = deps
  const { current } = options
  const batch = await readBatch(exchange)
  const model = exchange.params[0] ?? ''
  refuseUnknownModel(model, method, current.refuse_unknown_models)
  if (embeds(model) !== (method === 'asyncBatchEmbedContent')) throw unknownModel(model, method)
  const id = newId(36)
  const inputFileId = inputFileOf(batch, deps, exchange)
  const path = files.inputPath({ id, inputFileId })
  const rules: InputRules = { method, model, mostRequests: current.max_requests ?? null }
  try {
    const requests = listOf(messageOf(messageOf(batch, 'inputConfig'), 'requests'), 'requests')
    const input: BatchInput = inputFileId === null ? await storeInline(requests, path, rules) : await readInput(path, rules)
    runner.refuseAboveLimits(exchange.key, model, input.inputTokens)
    const createdMs = Date.now()
    const expiresMs = createdMs + (current.window_ms ?? twoDaysMs)
    const displayName = textOf(batch, 'displayName')
    const hasOwnWebhooks = listOf(messageOf(batch, 'webhookConfig'), 'uris').length > 0
    const created = {
      id,
      key: exchange.key,
      method,
      model,
      displayName,
      inputFileId,
      ...input,
      createdMs,
      expiresMs,
      hasOwnWebhooks,
    }
    state.record({ type: 'batch_created', batch: created })
  } catch (error) {
    if (inputFileId === null) await rm(path, { force: true })
    throw error
  }
  exchange.made.applied = true
  exchange.made.objectId = batchName(id)
  if (inputFileId !== null) exchange.made.inputFileId = fileName(inputFileId)
  const stored = state.batches.get(id)
  if (stored === undefined) throw new Error('the batch was not recorded')
  const answer = wireOperation(stored, deps)
  runner.start(stored)
  return json(await answer)
}

async function readBatch({ request }: Exchange): Promise<JsonObject> {
  const body = await readJson(request, mostInlineBytes).catch((error: unknown) => {
    if (error instanceof BodyTooLarge) throw tooLarge(mostInlineBytes)
    throw error instanceof SyntaxError ? invalidArgument(`Invalid JSON payload received. ${error.message}`) : error
  })
  if (!isObject(body) || !isObject(body['batch']))
    throw invalidArgument('* BatchGenerateContentRequest.batch: batch is not specified\n')
  const known = ['name', 'model', 'displayName', 'inputConfig', 'priority', 'webhookConfig']
  const unknown =
    unknownField(body, ['batch'], '') ??
    unknownField(body['batch'], known, 'batch') ??
    unknownField(messageOf(body['batch'], 'webhookConfig'), ['uris', 'userMetadata'], 'batch.webhook_config')
  if (unknown !== null) throw invalidArgument(unknown)
  return body['batch']
}

/** The file that the batch is to read; null if its requests are in the call. */
function inputFileOf(batch: JsonObject, deps: BatchesDeps, { key }: Exchange): string | null {
  const config = messageOf(batch, 'inputConfig')
  const name = textOf(config, 'fileName')
  const inline = fieldOf(config, 'requests') !== undefined
  if (name !== null && inline)
    throw invalidArgument("Invalid value at 'batch.input_config' (oneof), oneof field 'source' is already set.")
  if (name === null) {
    if (inline) return null
    throw invalidArgument('* BatchGenerateContentRequest.batch.input_config.source: source is not specified\n')
  }
  const id = name.replace(/^files\//, '')
  const file = fileOf({ state: deps.state, options: deps.options }, id, key)
  if (file === null) throw noSuchFile(id)
  if (stateOf(file, deps.options) !== 'ACTIVE')
    throw new GeminiError(400, 'FAILED_PRECONDITION', `The File ${id} is not in an ACTIVE state and usage is not allowed.`)
  return id
}

async function listBatches(deps: BatchesDeps, { url, key }: Exchange): Promise<Reply> {
  const newest = Date.now() - deps.options.current.quirks.list_delay_ms
  const own = [...deps.state.batches.values()]
    .filter((batch) => batch.key === key && !batch.deleted && batch.createdMs <= newest)
    .reverse()
  const { items, ...next } = page(own, url, { standard: 10, most: 100 })
  const operations = await Promise.all(items.map((batch) => wireOperation(batch, deps, true)))
  return json({ ...(operations.length === 0 ? {} : { operations }), ...next })
}

function findBatch({ state }: BatchesDeps, { params, key }: Exchange): StoredBatch {
  const batch = state.batches.get(params[0] ?? '')
  if (batch === undefined || batch.key !== key || batch.deleted) throw notFound()
  return batch
}

async function retrieveBatch(deps: BatchesDeps, exchange: Exchange): Promise<Reply> {
  const batch = findBatch(deps, exchange)
  if (batch.createdMs + deps.options.current.quirks.retrieve_delay_ms > Date.now()) throw notFound()
  deps.retrievals.set(batch.id, (deps.retrievals.get(batch.id) ?? 0) + 1)
  return json(await wireOperation(batch, deps))
}

/** Best effort, answered with nothing: whether it came too late shows in the batch (https://ai.google.dev/api/batch-api#method:-batches.cancel). */
function cancelBatch(deps: BatchesDeps, exchange: Exchange): Reply {
  const batch = findBatch(deps, exchange)
  if (!isOver(batch) && batch.cancelMs === null) deps.runner.cancel(batch)
  return json({})
}

/** A batch that runs stops (https://ai.google.dev/gemini-api/docs/batch-api#deleting-a-batch-job; the reference says that it does not). */
async function deleteBatch(deps: BatchesDeps, exchange: Exchange): Promise<Reply> {
  const batch = findBatch(deps, exchange)
  deps.state.record({ type: 'batch_deleted', id: batch.id })
  if (!isOver(batch)) deps.runner.drop(batch)
  else if (batch.resultsInline) await rm(deps.files.resultsPath(batch, true), { force: true })
  return json({})
}
