import { expect, inject, test } from 'vitest'
import { afterwards, claimNamespace, createTestDatabase, until } from '../test/services.ts'
import { createCliRunner } from './testing/cli-process.ts'
import { startGate } from './testing/gate.ts'

test('a worker names what it can not reach, once each, and is ready when they are there', async () => {
  const [db, namespace] = await Promise.all([createTestDatabase(), claimNamespace()])
  afterwards(() => db.drop())
  const [postgres, temporal] = await Promise.all([startGate(new URL(db.url).host), startGate(inject('temporalAddress'))])
  for (const gate of [postgres, temporal]) afterwards(() => gate.close())
  const databaseUrl = new URL(db.url)
  databaseUrl.port = String(postgres.port)
  const cli = createCliRunner({
    DATABASE_URL: databaseUrl.href,
    TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}`,
    TEMPORAL_NAMESPACE: namespace,
    BATCHWRIGHT_WORKFLOW_BUNDLE: inject('workflowBundle'),
  })
  const { child, ended, stdout } = cli.start(['worker'])
  afterwards(async () => {
    child.kill('SIGKILL')
    await ended
    cli.remove()
  })
  const messages = (): string[] =>
    stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { msg: string }).msg)

  await until('three tries at each', () => postgres.refused() >= 3 && temporal.refused() >= 3)
  expect(messages().toSorted()).toEqual([
    'postgres is not reachable; trying again until it is',
    'temporal is not reachable; trying again until it is',
  ])
  postgres.open()
  await until('Postgres', () => messages().includes('postgres is reachable'))
  expect(messages()).not.toContain('worker ready')
  temporal.open()
  await until('the worker', () => messages().includes('worker ready'))
  expect(messages().filter((message) => message.includes('not reachable'))).toHaveLength(2)
  expect(messages()).toContain('temporal is reachable')
  child.kill('SIGTERM')
  expect((await ended).code).toBe(0)
})

test('SIGTERM ends a worker that is still waiting', async () => {
  const gate = await startGate('127.0.0.1:1')
  afterwards(() => gate.close())
  const cli = createCliRunner({
    DATABASE_URL: `postgres://nobody@127.0.0.1:${gate.port}/none`,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
  })
  afterwards(async () => cli.remove())
  const { child, ended } = cli.start(['worker'])
  await until('a try', () => gate.refused() > 0)
  child.kill('SIGTERM')
  expect((await ended).code).toBe(0)
})
