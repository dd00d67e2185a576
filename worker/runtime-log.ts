import type { Logger as TemporalLogger } from '@temporalio/worker'
import type { Logger } from 'pino'

/** The SDK's own log lines, in ours. Its `info` is chatter at every start and stop. */
export function forwardRuntimeLog(logger: Logger): TemporalLogger {
  const forward: TemporalLogger = {
    log(level, message, meta) {
      switch (level) {
        case 'TRACE':
        case 'DEBUG':
        case 'INFO':
          return logger.debug(meta ?? {}, message)
        case 'WARN':
          return logger.warn(meta ?? {}, message)
        case 'ERROR':
          return logger.error(meta ?? {}, message)
      }
    },
    trace: (message, meta) => forward.log('TRACE', message, meta),
    debug: (message, meta) => forward.log('DEBUG', message, meta),
    info: (message, meta) => forward.log('INFO', message, meta),
    warn: (message, meta) => forward.log('WARN', message, meta),
    error: (message, meta) => forward.log('ERROR', message, meta),
  }
  return forward
}
