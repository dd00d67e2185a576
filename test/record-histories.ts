import { writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'

export const historiesDirectory = fileURLToPath(new URL('./histories/', import.meta.url))

/** Writes the history of one run as a fixture, without the name of the machine that it ran on. Returns the number of its events. */
export async function recordHistory(client: Client, name: string, workflowId: string, runId?: string): Promise<number> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory()
  const json = JSON.parse(historyToJSON(history)) as unknown
  await writeFile(`${historiesDirectory}${name}.json`, `${JSON.stringify(withoutMachine(json), null, 1)}\n`)
  return history.events?.length ?? 0
}

function withoutMachine(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(`@${hostname()}`, '@test')
  if (Array.isArray(value)) return value.map(withoutMachine)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === 'identity' ? 'batchwright-test' : withoutMachine(inner)]),
  )
}
