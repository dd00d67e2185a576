import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { demoUsage, readDemoOptions } from './demo-options.ts'

test('the port of the API and the folder of the data may be given', () => {
  expect(readDemoOptions([])).toEqual({ port: undefined, data: undefined })
  expect(readDemoOptions(['--port', '9000'])).toEqual({ port: 9000, data: undefined })
  expect(readDemoOptions(['--port=0', '--data=/tmp/demo'])).toEqual({ port: 0, data: '/tmp/demo' })
})

test.for([
  [['--prot', '9000'], "Unknown option '--prot'"],
  [['9000'], "Unexpected argument '9000'"],
  [['--port'], 'argument missing'],
  [['--port', '99999'], 'Give a port from 1 to 65535'],
] as const)('%j is refused on one line with the usage, before anything starts', ([args, mistake]) => {
  const demo = fileURLToPath(new URL('./demo.ts', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [demo, ...args], { encoding: 'utf8' })
  expect(status, stderr).toBe(2)
  expect(stderr).toContain(mistake)
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(demoUsage)])
})
