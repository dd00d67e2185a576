import { basename } from 'node:path'
import type { Batchwright, Job } from '../client/batchwright.ts'
import { describeError } from '../core/errors.ts'
import { printLine, type Cli } from './cli.ts'
import { writeWholeFile } from './output-file.ts'
import { countOf } from './quantities.ts'

/** `tickets.jsonl` gives `tickets.rejects.jsonl` beside it; what came by standard input goes to the working directory. */
export function rejectsPathOf(file: string): string {
  if (file === '-') return 'stdin.rejects.jsonl'
  const name = basename(file)
  return `${file.slice(0, file.length - name.length)}${name.replace(/\.(jsonl|ndjson|json|csv)$/i, '')}.rejects.jsonl`
}

/**
 * Writes the lines that a job goes on without, each with its number and what is wrong with it. The job runs by then: that they can't be written is said,
 * and is no failure of it.
 */
export async function reportRejects(cli: Cli, client: Batchwright, job: Job, path: string): Promise<void> {
  if (job.rejected_lines === 0) return
  async function* lines(): AsyncGenerator<string> {
    for await (const reject of client.jobs.rejects(job.id)) yield `${JSON.stringify(reject)}\n`
  }
  const leftOut = `${countOf(job.rejected_lines, 'line')} left out`
  try {
    await writeWholeFile(path, lines())
    printLine(cli.stderr, `${leftOut}, with the reason in ${path}`)
  } catch (error) {
    printLine(cli.stderr, `${leftOut}, but ${describeError(error)}; they are at ${client.url}/v1/jobs/${job.id}/rejects`)
  }
}
