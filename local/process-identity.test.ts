import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts'
import { recordProcess, runningProcesses, stopSurvivors } from './process-record.ts'

let directory: string
let recordPath: string
const children: ReturnType<typeof spawn>[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-processes-'))
  recordPath = join(directory, 'processes.json')
})

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** A process that lives until it is told to end, and for `SIGTERM` writes its name into `ended`. */
async function startSurvivor(name: string, options: { stubborn?: boolean } = {}): Promise<ProcessIdentity> {
  const trap = options.stubborn === true ? '' : `echo ${name} >> ${join(directory, 'ended')}; exit 0`
  const child = spawn('/bin/sh', ['-c', `trap '${trap}' TERM; echo up; while :; do sleep 0.05; done`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  children.push(child)
  await new Promise((resolve) => child.stdout?.once('data', resolve))
  const identity = identifyProcess(child.pid ?? 0)
  if (identity === null) throw new Error('the child has no identity')
  return identity
}

describe('survivors of an earlier start', () => {
  test('are found and stopped, in stop order', async () => {
    const api = await startSurvivor('api')
    const worker = await startSurvivor('worker')
    recordProcess(recordPath, { ...api, name: 'api', stopSignal: 'SIGTERM' })
    recordProcess(recordPath, { ...worker, name: 'worker', stopSignal: 'SIGTERM' })
    const notices: string[] = []

    await stopSurvivors(recordPath, {
      stopOrder: (name) => ['worker', 'api'].indexOf(name),
      graceMs: 5000,
      notice: (line) => notices.push(line),
    })

    expect([api, worker].some(isRunning)).toBe(false)
    expect(notices.map((line) => /Stopping (\w+) \(pid (\d+)\)/.exec(line)?.slice(1))).toEqual([
      ['worker', String(worker.pid)],
      ['api', String(api.pid)],
    ])
  })

  test('are killed when they do not end in time', async () => {
    const survivor = await startSurvivor('worker', { stubborn: true })
    recordProcess(recordPath, { ...survivor, name: 'worker', stopSignal: 'SIGTERM' })
    await stopSurvivors(recordPath, { stopOrder: () => 0, graceMs: 200 })
    expect(isRunning(survivor)).toBe(false)
  })

  test('a process that was given a recorded pid later is left alone', async () => {
    const stranger = await startSurvivor('stranger')
    recordProcess(recordPath, { ...stranger, name: 'other', stopSignal: 'SIGTERM' })
    const earlier = { ...stranger, startTime: `${stranger.startTime}0`, name: 'worker', stopSignal: 'SIGTERM' }
    writeFileSync(recordPath, JSON.stringify([earlier]))

    expect(runningProcesses(recordPath)).toEqual([])
    await stopSurvivors(recordPath, { stopOrder: () => 0, graceMs: 200 })
    expect(isRunning(stranger)).toBe(true)
  })

  test('a record that was cut short by a crash counts as empty', async () => {
    writeFileSync(recordPath, '[{"name": "api", "pi')
    expect(runningProcesses(recordPath)).toEqual([])
    await stopSurvivors(recordPath, { stopOrder: () => 0, graceMs: 200 })
  })
})

describe('identity of a process', () => {
  test('is the same each time it is asked for, and another one for another process', async () => {
    const first = await startSurvivor('first')
    expect(identifyProcess(first.pid)).toEqual(first)
    expect(identifyProcess(process.pid)).not.toEqual(first)
  })

  test('ends with the process, also while nobody has reaped it', async () => {
    // The shell does not wait for its child, which stays a zombie after its end.
    const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    children.push(parent)
    const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (data: Buffer) => resolve(Number(data))))
    await expect.poll(() => identifyProcess(pid), { timeout: 5000 }).toBeNull()
  })
})
