import { loadConfig } from '../config/config.ts'
import { runWorker } from '../worker/main.ts'

process.exitCode = await runWorker(loadConfig())
