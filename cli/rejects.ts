import { basename } from 'node:path'
import type { Batchwright, Job } from '../client/batchwright.ts'
import { printLine, type Cli } from './cli.ts'
import { writeWholeFile } from './output-file.ts'
import { countOf } from './quantities.ts'

/** `tickets.jsonl` gives `tickets.rejects.jsonl` beside it; what came by standard input goes to the working directory. */
export function rejectsPathOf(file: string): string {
  if (file === '-') return 'stdin.rejects.jsonl'
  const name = basename(file)
  return `${file.slice(0, file.length - name.length)}${name.replace(/\.(jsonl|ndjson|json|csv)$/i, '')}.rejects.jsonl`
}

/** Writes the lines that a job goes on without, each with its number and what is wrong with it. */
export async function keepRejects(cli: Cli, client: Batchwright, job: Job, path: string): Promise<void> {
  async function* lines(): AsyncGenerator<string> {
    for await (const reject of client.jobs.rejects(job.id)) yield `${JSON.stringify(reject)}\n`
  }
  await writeWholeFile(path, lines())
  printLine(cli.stderr, `${countOf(job.rejected_lines, 'line')} left out, with the reason in ${path}`)
}
