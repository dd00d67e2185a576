import pino from 'pino'
import { redactJson } from '../core/redaction.ts'
import type { Config } from './config.ts'
import { createRedactor } from './redactor.ts'

/** The log of a process, in JSON lines, redacted as they are written: whatever is logged, and wherever in it. */
export function createLogger(
  config: Config,
  process: 'api' | 'worker',
  destination: { write(line: string): unknown } = pino.destination(1),
): pino.Logger {
  const redact = createRedactor(config)
  return pino(
    { level: config.logLevel, base: { process } },
    { write: (line: string) => void destination.write(redactJson(line, redact)) },
  )
}
