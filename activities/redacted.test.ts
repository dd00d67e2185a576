import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { expect, test } from 'vitest'
import { describeError } from '../core/errors.ts'
import { activityDependencies } from '../test/activity-dependencies.ts'
import { createTestDatabase } from '../test/services.ts'
import { createActivities } from './index.ts'

test('what Temporal is told of a failure of our own is redacted with its causes: a failed query names its parameters', async () => {
  const db = await createTestDatabase()
  await db.database.drizzle.execute('drop table jobs cascade')
  const dependencies = activityDependencies(db.database, { OPENAI_API_KEY: 'sk-none' })
  const redact = (text: string) => text.replaceAll(/patient_\w+/g, '[redacted]')
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
  const failureWith = async (given: typeof redact) =>
    await environment
      .run(() => createActivities({ ...dependencies, redact: given }).planRound({ jobId: 'patient_miller' }))
      .then(
        () => null,
        (error: Error) => `${describeError(error)} ${error.stack} ${(error.cause as Error | undefined)?.message}`,
      )
  expect(await failureWith((text) => text)).toContain('patient_miller')
  const redacted = await failureWith(redact)
  expect(redacted).not.toContain('patient_miller')
  expect(redacted).toContain('params: [redacted]')
  await db.drop()
})
