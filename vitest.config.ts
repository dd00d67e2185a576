import { defineConfig } from 'vitest/config'

// Tests never spend money and never touch a person's own stack: they see none of the environment that Batchwright reads.
for (const name of [
  'OPENAI_API_KEY',
  'OPENAI_BASE_URL',
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_BASE_URL',
  'GEMINI_API_KEY',
  'GOOGLE_API_KEY',
  'GOOGLE_GEMINI_BASE_URL',
  'DATABASE_URL',
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_API_KEY',
  'HOST',
  'PORT',
  'LOG_LEVEL',
  'BATCHWRIGHT_URL',
  'BATCHWRIGHT_API_KEY',
  'BATCHWRIGHT_CONFIG',
]) {
  delete process.env[name]
}

// `test/live/` runs against the providers themselves, and by its own configuration only.
const exclude = ['**/node_modules/**', 'test/live/**', '**/.batchwright/**', '**/demo-output/**', '**/dist/**']

export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    pool: 'forks',
    // Each worker may have a Temporal worker and its bundle beside it; more than two of them fight for the machine.
    maxWorkers: 2,
    globalSetup: './test/global-setup.ts',
    // Workers, pools and child processes are stopped in order, which takes longer than the default 10 s on a busy machine.
    teardownTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['**/*.test.ts'],
          exclude: [...exclude, '**/*.slow.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'slow', include: ['**/*.slow.test.ts'], exclude, testTimeout: 180_000, hookTimeout: 180_000 },
      },
    ],
  },
})
