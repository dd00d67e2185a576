import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Entry {
  hasInstallScript?: boolean
  optionalDependencies?: Record<string, string>
}

const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')
const { packages } = JSON.parse(text) as { packages: Record<string, Entry> }
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Record<
  string,
  Record<string, unknown>
>

test('the lock file names no registry', () => {
  expect(text).not.toContain('"resolved"')
})

test('the lock file lists what every platform needs, or `npm ci` refuses it (mend it with `node tools/complete-lock.ts`)', () => {
  const missing = Object.entries(packages).flatMap(([location, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => packages[`node_modules/${name}`] === undefined && packages[`${location}/node_modules/${name}`] === undefined,
    ),
  )
  expect(missing).toEqual([])
})

test('every install script is approved or denied in package.json (`npm install-scripts approve|deny NAME`)', () => {
  const undecided = Object.entries(packages)
    .filter(([, entry]) => entry.hasInstallScript === true)
    .map(([location]) => location.slice(location.lastIndexOf('node_modules/') + 'node_modules/'.length))
    .filter((name) => typeof manifest.allowScripts?.[name] !== 'boolean')
  expect(undecided).toEqual([])
})

test('the lock file belongs to package.json', () => {
  const root = packages[''] as Record<string, unknown>
  expect(root.dependencies).toEqual(manifest.dependencies)
  expect(root.devDependencies).toEqual(manifest.devDependencies)
})
