#!/usr/bin/env node
// The `batchwright` command. Plain JavaScript that Node 20 understands, because the Node that a shell finds first may be older than
// the one that the rest needs: then it hands over to the Node 24 in node_modules, where `npm ci` puts it in the repository, and
// `npm install node@24` beside the package.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const oldestMajor = 24

// In the repository Node runs the source, whatever was built there; the package has only what was compiled.
const source = pathOf('./main.ts')
const isPackage = !existsSync(source)
const main = isPackage ? pathOf('../dist/cli/main.js') : source

endWithNpx()

if (!existsSync(main)) {
  fail(`batchwright: ${main} is missing; install batchwright again`)
} else if (Number.parseInt(process.versions.node, 10) >= oldestMajor) {
  process.argv[1] = main
  await import(main)
} else {
  // existsSync follows the link: it is dangling where the install script of the package `node` did not run.
  const node = pathOf(isPackage ? '../../.bin/node' : '../node_modules/.bin/node')
  if (existsSync(node)) handOver(node, main)
  else {
    const remedy = isPackage ? 'run `npm install node@24` beside it' : 'run `npm ci` in the repository'
    fail(`batchwright: needs Node ${oldestMajor} or newer, this is ${process.version}; ${remedy}, or install Node 24`)
  }
}

/**
 * Runs the program with another Node as if it were this process: same terminal, same arguments, its signals, its exit code.
 * @param {string} node
 * @param {string} program
 */
function handOver(node, program) {
  const child = spawn(node, [...process.execArgv, program, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // A terminal's Ctrl-C reaches the child by itself; passed on, it would count as the second one, which means "at once".
      if (signal === 'SIGINT' && process.stdin.isTTY) return
      child.kill(signal)
    })
  }
  child.on('error', (error) => fail(`batchwright: can't run ${node}: ${error.message}`))
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal])
  })
}

/**
 * npx runs us below a shell, and at a SIGTERM only the shell ends: we would run on, with nobody who knows of us. So where the shell that npx started
 * for us and nothing else is gone, that is our SIGTERM. Whoever starts us in another way may end before us: `nohup batchwright up &` goes on.
 */
function endWithNpx() {
  const { npm_lifecycle_event: event, npm_lifecycle_script: script } = process.env
  if (event !== 'npx' || !/^(['"]?)batchwright\1$/.test(script ?? '') || process.ppid === 1) return
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  watch.unref()
}

/** @param {string} relative */
function pathOf(relative) {
  return fileURLToPath(new URL(relative, import.meta.url))
}

/** @param {string} line */
function fail(line) {
  console.error(line)
  process.exitCode = 1
}
