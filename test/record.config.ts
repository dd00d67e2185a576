import { defineConfig } from 'vitest/config'

/** Records the histories that test/replay.test.ts replays. */
export default defineConfig({
  test: {
    include: ['test/histories.record.ts'],
    globalSetup: './test/global-setup.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    root: new URL('..', import.meta.url).pathname,
  },
})
