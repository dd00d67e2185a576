import type { Reporter, SerializedError, TestCase, TestModule, TestRunEndReason } from 'vitest/node'

/**
 * Ends the run with one line, `N passed, N failed`: the last one, after whatever the global teardown prints. Before it `N skipped`, if there are
 * any. A module that doesn't load, a failed hook and an error outside of every test count as failures, so that the line
 * says `0 failed` if and only if the exit code is 0.
 */
export default class TotalsReporter implements Reporter {
  private passed = 0
  private skipped = 0
  // Until a run has ended, a process that exits has failed.
  private failed = 1

  onInit(): void {
    process.once('exit', (code) => {
      if (code !== 0 && this.failed === 0) this.failed = 1
      if (this.failed > 0 && code === 0) process.exitCode = 1
      if (this.skipped > 0) process.stdout.write(`${this.skipped} skipped\n`)
      process.stdout.write(`${this.passed} passed, ${this.failed} failed\n`)
    })
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[], reason: TestRunEndReason): void {
    this.passed = 0
    this.skipped = 0
    this.failed = unhandledErrors.length
    for (const module of modules) {
      this.failed += module.errors().length
      for (const suite of module.children.allSuites()) this.failed += suite.errors().length
      for (const test of module.children.allTests()) this.count(test)
    }
    if (reason !== 'passed' && this.failed === 0) this.failed = 1
  }

  private count(test: TestCase): void {
    const { state } = test.result()
    switch (state) {
      case 'passed':
        this.passed++
        return
      case 'skipped':
        this.skipped++
        return
      // Pending: the run was broken off before the test ended.
      case 'pending':
      case 'failed':
        this.failed++
        return
      default:
        state satisfies never
    }
  }
}
