import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { startNodeChild } from './node-child.ts'
import { identifyProcess } from './process-identity.ts'
import type { ServiceDefinition, ServiceEvent } from './supervised-service.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'

const fixture = join(import.meta.dirname, 'fixtures', 'crashing.ts')

let directory: string
let supervisor: Supervisor
let events: ServiceEvent[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchwright-supervisor-'))
  events = []
  supervisor = createSupervisor({
    onEvent: (event) => events.push(event),
    policy: { initialDelayMs: 20, maxDelayMs: 100, maxFailedStarts: 3 },
  })
})

afterEach(async () => {
  await supervisor.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** `manner`: see the fixture. Its starts are counted in a file. */
function service(name: string, manner: string[] = ['never'], options: Partial<ServiceDefinition> = {}): ServiceDefinition {
  return {
    name,
    stopStep: 0,
    stopGraceMs: 5000,
    start: ({ signal }) =>
      startNodeChild({
        kind: 'worker',
        name,
        command: [process.execPath, fixture, join(directory, name), ...manner],
        args: [],
        env: process.env,
        logPath: join(directory, `${name}.log`),
        signal,
      }),
    ...options,
  }
}

function starts(name: string): number {
  return lines(name).filter((line) => line !== 'SIGTERM').length
}

function lines(name: string): string[] {
  const path = join(directory, name)
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
}

function eventsOf<T extends ServiceEvent['type']>(type: T): Extract<ServiceEvent, { type: T }>[] {
  return events.filter((event): event is Extract<ServiceEvent, { type: T }> => event.type === type)
}

describe('a supervised process', () => {
  test('is started again after a crash, with a growing pause', async () => {
    await supervisor.start(service('worker', ['after-ready', '150']))
    await expect.poll(() => eventsOf('ended').length, { timeout: 15_000 }).toBeGreaterThanOrEqual(4)
    expect(starts('worker')).toBeGreaterThanOrEqual(4)
    expect(eventsOf('ended')[0]).toMatchObject({ name: 'worker', exit: { code: 7, signal: null } })
    expect(
      eventsOf('ended')
        .map((event) => event.restartInMs)
        .slice(0, 4),
    ).toEqual([20, 40, 80, 100])
  })

  test('that is killed comes back with another pid', async () => {
    await supervisor.start(service('worker'))
    const before = supervisor.process('worker')?.pid
    await supervisor.kill('worker', 'SIGKILL')
    await expect.poll(() => supervisor.process('worker')?.pid, { timeout: 10_000 }).toEqual(expect.any(Number))
    expect(supervisor.process('worker')?.pid).not.toBe(before)
    expect(eventsOf('restarted')).toHaveLength(1)
  })

  test('that is killed to stay down comes back only on restart', async () => {
    await supervisor.start(service('worker'))
    await supervisor.kill('worker', 'SIGKILL', { restart: false })
    expect(supervisor.process('worker')).toBeUndefined()
    expect(eventsOf('ended')).toEqual([])
    await supervisor.restart('worker')
    expect(supervisor.process('worker')?.pid).toEqual(expect.any(Number))
    expect(starts('worker')).toBe(2)
  })

  test('that is restarted is asked to end first', async () => {
    await supervisor.start(service('worker'))
    await supervisor.restart('worker')
    expect(lines('worker').filter((line) => line === 'SIGTERM')).toHaveLength(1)
    expect(starts('worker')).toBe(2)
    expect(eventsOf('ended')).toEqual([])
  })

  test('that never gets ready again is given up, with its last words', async () => {
    let manner = ['never']
    const first = service('worker')
    await supervisor.start({ ...first, start: (context) => service('worker', manner).start(context) })
    manner = ['at-once']
    await supervisor.kill('worker', 'SIGKILL')
    await expect
      .poll(() => eventsOf('given_up'), { timeout: 15_000 })
      .toMatchObject([{ name: 'worker', reason: expect.stringContaining('exit code 7') as string }])
    expect(eventsOf('start_failed')).toHaveLength(2)
    expect(starts('worker')).toBe(4)
  })

  test('whose first start fails makes that start fail, and is not tried again', async () => {
    await expect(supervisor.start(service('worker', ['at-once']))).rejects.toMatchObject({ code: 'worker_not_started' })
    expect(starts('worker')).toBe(1)
    expect(events).toEqual([])
  })

  test('that ignores the request to end is killed after its grace', async () => {
    const stubborn = service('worker', [], { stopGraceMs: 100 })
    await supervisor.start({
      ...stubborn,
      start: ({ signal }) =>
        startNodeChild({
          kind: 'worker',
          name: 'worker',
          command: ['/bin/sh', '-c', 'trap "" TERM; echo worker ready; while :; do sleep 0.05; done'],
          args: [],
          env: process.env,
          logPath: join(directory, 'worker.log'),
          signal,
        }),
    })
    const child = supervisor.process('worker')
    await supervisor.stop()
    expect(await child?.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('under an unknown name is an error', () => {
    expect(() => supervisor.process('nobody')).toThrow(expect.objectContaining({ code: 'unknown_process' }) as Error)
  })
})

describe('stopping', () => {
  test('goes in stop order, and nothing is started again', async () => {
    for (const [name, stopStep] of [
      ['database', 2],
      ['api', 1],
      ['worker', 0],
      ['worker-2', 0],
    ] as const) {
      await supervisor.start(service(name, ['never'], { stopStep }))
    }
    const pids = supervisor.names().map((name) => supervisor.process(name)?.pid ?? 0)
    await supervisor.stop()
    const stopped = eventsOf('stopped').map((event) => event.name)
    expect(stopped.slice(0, 2).toSorted()).toEqual(['worker', 'worker-2'])
    expect(stopped.slice(2)).toEqual(['api', 'database'])
    expect(pids.map(identifyProcess)).toEqual([null, null, null, null])
    expect(supervisor.names().map(starts)).toEqual([1, 1, 1, 1])
  })

  test('in the middle of a start ends that start', async () => {
    // Never says that it is ready.
    const starting = supervisor.start({
      ...service('worker'),
      start: ({ signal }) =>
        startNodeChild({
          kind: 'worker',
          name: 'worker',
          command: ['/bin/sh', '-c', `echo $$ > ${join(directory, 'pid')}; exec sleep 60`],
          args: [],
          env: process.env,
          logPath: join(directory, 'worker.log'),
          signal,
        }),
    })
    const outcome = starting.then(
      () => 'ready',
      (error: unknown) => (error instanceof Error ? error.name : error),
    )
    await expect.poll(() => lines('pid'), { timeout: 5000 }).toHaveLength(1)
    await supervisor.stop()
    expect(await outcome).toBe('AbortError')
    expect(identifyProcess(Number(lines('pid')[0]))).toBeNull()
  })
})
