import type { LogLevel, LogMetadata, Logger as TemporalLogger } from '@temporalio/worker'
import type { Logger } from 'pino'
import { describeError } from '../core/errors.ts'

/** The SDK's own log lines, in ours. Its `info` is chatter at every start and stop. */
export function forwardRuntimeLog(logger: Logger): TemporalLogger {
  const forward = (level: LogLevel, message: string, given: LogMetadata = {}): void => {
    // An Error as it is would be written without its message.
    const meta = given['error'] instanceof Error ? { ...given, error: describeError(given['error']) } : given
    switch (level) {
      case 'TRACE':
      case 'DEBUG':
      case 'INFO':
        logger.debug(meta, message)
        return
      case 'WARN':
        logger.warn(meta, message)
        return
      case 'ERROR':
        logger.error(meta, message)
    }
  }
  return {
    log: forward,
    trace: (message, meta) => forward('TRACE', message, meta),
    debug: (message, meta) => forward('DEBUG', message, meta),
    info: (message, meta) => forward('INFO', message, meta),
    warn: (message, meta) => forward('WARN', message, meta),
    error: (message, meta) => forward('ERROR', message, meta),
  }
}
