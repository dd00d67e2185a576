import { createServer } from 'node:net'

import { expect, test } from 'vitest'

import { findFreePort, isPortFree } from './free-port.ts'
import { choosePorts, usualPorts } from './stack-ports.ts'

async function freePorts(): Promise<[number, number]> {
  const first = await findFreePort()
  let second = first
  while (second === first) second = await findFreePort()
  return [first, second]
}

async function whileTaken(port: number, work: () => Promise<void>): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    await work()
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

test("the usual ports are where Temporal's command line looks by default", () => {
  expect(usualPorts).toEqual({ temporal: 7233, temporalUi: 8233 })
})

test('the first start takes the usual ports, each if it is free', async () => {
  const [temporal, temporalUi] = await freePorts()
  expect(await choosePorts({}, {}, { temporal, temporalUi })).toMatchObject({ temporal, temporalUi })
  await whileTaken(temporal, async () => {
    const chosen = await choosePorts({}, {}, { temporal, temporalUi })
    expect(chosen.temporalUi).toBe(temporalUi)
    expect(chosen.temporal).not.toBe(temporal)
    expect(await isPortFree(chosen.temporal)).toBe(true)
  })
})

test('a later start takes the ports of the one before, also where the usual ones are free by now', async () => {
  const [usual, remembered] = await freePorts()
  expect(await choosePorts({}, { temporal: remembered }, { temporal: usual })).toMatchObject({ temporal: remembered })
})

test('a port that was asked for is taken or refused, never another one', async () => {
  const [wanted, remembered] = await freePorts()
  expect(await choosePorts({ temporal: wanted }, { temporal: remembered })).toMatchObject({ temporal: wanted })
  await whileTaken(wanted, async () => {
    await expect(choosePorts({ temporal: wanted }, {})).rejects.toMatchObject({ code: 'port_taken', details: { port: wanted } })
  })
})
