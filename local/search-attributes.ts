import type { Connection } from '@temporalio/client'

import { describeError } from '../core/errors.ts'
import { searchAttributeNames } from '../core/task-queues.ts'

/** `temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD`. */
const keywordType = 2

const warnedNamespaces = new Set<string>()

/**
 * Registers the four search attributes of our workflows in a namespace; those that are there stay as they are. Returns whether all
 * four can be used. Where they can't be registered (no right to, as on Temporal Cloud; no attribute of this type left) it warns
 * once a namespace and never throws: jobs run without them, they are only not found by them.
 */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
  warn: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Promise<boolean> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
    const missing = searchAttributeNames.filter((name) => customAttributes[name] === undefined)
    const wrongType = searchAttributeNames.filter((name) => ![undefined, keywordType].includes(customAttributes[name]))
    if (missing.length > 0) {
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map((name) => [name, keywordType])),
      })
    }
    if (wrongType.length === 0) return true
    warnOnce(namespace, `${wrongType.join(', ')} exist with another type than Keyword`, warn)
    return false
  } catch (error) {
    warnOnce(namespace, describeError(error), warn)
    return false
  }
}

function warnOnce(namespace: string, reason: string, warn: (line: string) => void): void {
  if (warnedNamespaces.has(namespace)) return
  warnedNamespaces.add(namespace)
  warn(
    `Search attributes ${searchAttributeNames.join(', ')} could not be registered in Temporal namespace "${namespace}" (${reason}): jobs run without them; register them as Keyword to find jobs by them in the Web UI`,
  )
}
