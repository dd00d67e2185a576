import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { createCommand } from '../command.ts'
import { parsePort } from '../option-values.ts'

export function apiCommand(_cli: Cli): Command {
  return createCommand({
    name: 'api',
    group: 'Processes',
    summary: 'Run the API alone (`up` runs all together)',
    examples: ['api', 'api --port 9000 --config batchwright.yaml'],
  })
    .option('--port <N>', 'default: PORT, else 8787', parsePort)
    .option('--host <ADDRESS>', 'default: HOST, else 127.0.0.1; any other needs BATCHWRIGHT_API_KEY')
    .option('--config <FILE>', 'default: batchwright.yaml in the current folder, if there is one')
    .option('--json', 'what it does anyway: its log is JSON lines')
    .addHelpText('after', '\nNeeds DATABASE_URL and TEMPORAL_ADDRESS. BATCHWRIGHT_API_KEY, if set, is asked of every caller.')
    .action(async ({ port, host, config }: { port?: number; host?: string; config?: string }) => {
      const [{ runApi }, { loadConfig }] = await Promise.all([import('../../api/main.ts'), import('../../config/config.ts')])
      const environment = {
        ...process.env,
        ...(port === undefined ? {} : { PORT: String(port) }),
        ...(host === undefined ? {} : { HOST: host }),
      }
      process.exitCode = await runApi(loadConfig({ file: config, environment }))
    })
}
