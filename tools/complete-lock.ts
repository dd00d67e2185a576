// Completes package-lock.json after an `npm install` against a partial registry mirror.
//
// Packages with native parts list one optional dependency per platform. A mirror that carries only some of them makes npm leave the
// others out of the lock file, and `npm ci` then refuses it everywhere ("Missing: … from lock file"). This adds the entries that
// npm itself would have written, without `integrity`, which can't be known here; npm skips them on other platforms.
// Run it (`node tools/complete-lock.ts`) when `test/lock-file.test.ts` says so. With a full registry it changes nothing.
import { readFileSync, writeFileSync } from 'node:fs'

interface LockEntry {
  version?: string
  cpu?: string[]
  dev?: boolean
  libc?: string[]
  license?: string
  optional?: boolean
  os?: string[]
  optionalDependencies?: Record<string, string>
}

const path = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, LockEntry> }

// Node's names for processors and systems, as they appear in package names.
const cpus = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32']
const systems = ['darwin', 'linux', 'win32', 'freebsd', 'openbsd', 'netbsd', 'android', 'openharmony', 'sunos', 'aix']

for (const [location, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const target = `node_modules/${name}`
    if (lock.packages[target] !== undefined || lock.packages[`${location}/${target}`] !== undefined) continue
    const words = name.split(/[/-]/)
    const os = systems.find((system) => words.includes(system))
    const cpu = cpus.find((word) => words.includes(word))
    if (!/^\d/.test(version) || os === undefined || cpu === undefined) {
      console.error(`${name}@${version}: not a platform package with an exact version; add it with a full registry`)
      process.exitCode = 1
      continue
    }
    const libc = words.includes('musl') ? 'musl' : words.includes('gnu') ? 'glibc' : undefined
    lock.packages[target] = {
      version,
      cpu: [cpu],
      ...(entry.dev === true ? { dev: true } : {}),
      ...(libc === undefined ? {} : { libc: [libc] }),
      ...(entry.license === undefined ? {} : { license: entry.license }),
      optional: true,
      os: [os],
    }
    console.error(`added ${name}@${version}`)
  }
}

// npm's own order, so that its next write makes no difference.
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
