import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { Connection } from '@temporalio/client'
import postgres from 'postgres'
import { expect, test } from 'vitest'

import { isRunning } from './process-identity.ts'
import { runningProcesses } from './process-record.ts'
import { startTestServices } from './test-services.ts'

test('gives a database, and a Temporal with its namespaces, and leaves nothing; what a killed run left is removed', async () => {
  const killed = spawn(process.execPath, ['--input-type=module-typescript', '-e', abandonServices], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const abandoned = await new Promise<string>((resolve) => killed.stdout.once('data', (data: Buffer) => resolve(String(data))))
  const survivors = runningProcesses(join(abandoned, 'processes.json'))
  expect(survivors).toHaveLength(2)
  killed.kill('SIGKILL')
  await new Promise((resolve) => killed.once('exit', resolve))

  const services = await startTestServices({ namespaces: 2 })
  try {
    expect(survivors.filter(isRunning)).toEqual([])
    expect(existsSync(abandoned)).toBe(false)

    const sql = postgres(services.databaseUrl, { max: 1 })
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
    await sql.end()
    expect(services.namespaces).toEqual(['test-0', 'test-1'])
    const connection = await Connection.connect({ address: services.temporalAddress })
    for (const namespace of services.namespaces) {
      const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace })
      expect(namespaceInfo?.name).toBe(namespace)
    }
    await connection.close()
  } finally {
    const processes = runningProcesses(join(services.dataDir, 'processes.json'))
    await services.stop()
    expect(processes).toHaveLength(2)
    expect(processes.filter(isRunning)).toEqual([])
    expect(existsSync(services.dataDir)).toBe(false)
  }
}, 900_000)

const abandonServices = `
  import { startTestServices } from './test-services.ts'
  const { dataDir } = await startTestServices({ namespaces: 1 })
  process.stdout.write(dataDir)
  setInterval(() => undefined, 60_000)
`
