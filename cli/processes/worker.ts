import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { createCommand } from '../command.ts'

export function workerCommand(_cli: Cli): Command {
  return createCommand({
    name: 'worker',
    group: 'Processes',
    summary: 'Run a worker alone (`up` runs all together); as many as you like, anywhere',
    examples: ['worker', 'worker --config batchwright.yaml'],
  })
    .option('--config <FILE>', 'default: batchwright.yaml in the current folder, if there is one')
    .option('--json', 'what it does anyway: its log is JSON lines')
    .addHelpText('after', '\nNeeds DATABASE_URL, TEMPORAL_ADDRESS and the keys of the providers.')
    .action(async ({ config }: { config?: string }) => {
      const [{ runWorker }, { loadConfig }] = await Promise.all([
        import('../../worker/main.ts'),
        import('../../config/config.ts'),
      ])
      process.exitCode = await runWorker(loadConfig({ file: config }))
    })
}
