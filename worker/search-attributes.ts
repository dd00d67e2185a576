import type { Client } from '@temporalio/client'
import { searchAttributeNames } from '../core/task-queues.ts'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../activities/index.ts'

/** Whether the namespace has the four search attributes. A workflow that sets one that is missing can't go on, so nobody sets any then. */
export async function hasSearchAttributes(client: Client, namespace: string, logger: Logger): Promise<boolean> {
  try {
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace })
    const missing = searchAttributeNames.filter((name) => !(name in (customAttributes ?? {})))
    if (missing.length === 0) return true
    logger.warn(
      { missing },
      'search attributes are not registered, so the Web UI can not filter by them: run `batchwright migrate`',
    )
  } catch (error) {
    logger.warn({ error: describeError(error) }, 'whether search attributes are registered is unknown: going on without them')
  }
  return false
}
