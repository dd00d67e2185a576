import { startSimulator, type Simulator, type SimulatorOptions } from './simulator.ts'

/**
 * Runs the simulator as a process: prints one line with its URL when it is ready, and stops at SIGINT or SIGTERM. Resolves when it has stopped.
 * `--json` for a program: `{"url":"http://127.0.0.1:1234","pid":99}`.
 */
export async function runSimulator(options: SimulatorOptions & { json?: boolean }): Promise<void> {
  const { json = false, ...given } = options
  const simulator: Simulator = await startSimulator(given)
  const line = json
    ? JSON.stringify({ url: simulator.url, pid: process.pid })
    : `simulator ready: ${simulator.url} (OPENAI_BASE_URL=${simulator.baseUrls.openai} ANTHROPIC_BASE_URL=${simulator.baseUrls.anthropic} GOOGLE_GEMINI_BASE_URL=${simulator.baseUrls.gemini})`
  process.stdout.write(`${line}\n`)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  await simulator.close()
}

/** `node simulator/main.ts '{"port":8788,"data_dir":"/tmp/x","duration_ms":"10s"}'`: options as one JSON argument. */
if (import.meta.main) await runSimulator(JSON.parse(process.argv[2] ?? '{}') as SimulatorOptions)
