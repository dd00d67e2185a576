import { enableCompileCache } from 'node:module'

// Most of the time of a short command is compiling, and without a build step it is types being stripped as well.
enableCompileCache()

// `batchwright results JOB | head`: whoever read our output has enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`batchwright: can't write to standard output (${error.code ?? error.message})\n`)
  process.exit(1)
})

const [{ createCli }, { runCli }] = await Promise.all([import('./cli.ts'), import('./program.ts')])
const exitCode = await runCli(createCli(), process.argv.slice(2))
// A process that was run (a worker) may have set a code of its own. No `process.exit`: what is still in a pipe has to get out.
process.exitCode ??= exitCode
