import { parseArgs } from 'node:util'
import { parsePort } from '../cli/option-values.ts'
import { describeError } from '../core/errors.ts'

export interface DemoOptions {
  /** Of the API; undefined: the usual one, or any that is free. */
  readonly port: number | undefined
  /** Where everything is kept, the answers too; undefined: `.batchwright` and `demo-output` of the repository. */
  readonly data: string | undefined
}

export const demoUsage = 'usage: npm run demo -- [--port N] [--data DIR]'

/** What stands behind `npm run demo --`, or what is wrong with it. */
export function readDemoOptions(args: readonly string[]): DemoOptions | { readonly mistake: string } {
  try {
    const { values } = parseArgs({ args: [...args], options: { port: { type: 'string' }, data: { type: 'string' } } })
    return { port: values.port === undefined ? undefined : parsePort(values.port), data: values.data }
  } catch (error) {
    return { mistake: (describeError(error).split('. ', 1)[0] ?? '').replace(/\.$/, '') }
  }
}
