import { defineConfig } from 'vitest/config'

/**
 * `npm run test:live`: against the providers themselves, with the keys of whoever runs it, and at their cost of less than a cent. A provider without a
 * key is left out. Nothing else ever runs these tests.
 */
export default defineConfig({
  test: {
    include: ['test/live/*.test.ts'],
    reporters: ['default', './test/reporter.ts'],
    // A batch may take its whole day.
    testTimeout: 26 * 3_600_000,
    hookTimeout: 600_000,
    teardownTimeout: 60_000,
    root: new URL('..', import.meta.url).pathname,
  },
})
