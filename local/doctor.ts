import { accessSync, constants, statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { loadConfig, type Config } from '../config/config.ts'
import { BatchwrightError, describeError } from '../core/errors.ts'
import { checkPostgres, checkTemporal } from './doctor-backends.ts'
import { checkService } from './doctor-service.ts'
import { fail, ok, warn, type Finding } from './finding.ts'
import { isPortFree } from './free-port.ts'
import { defaultApiPort } from './stack.ts'
import { usualPorts } from './stack-ports.ts'

export type DoctorOptions = {
  readonly environment: NodeJS.ProcessEnv
  /** Where `batchwright.yaml` is looked for. */
  readonly directory: string
  readonly configFile?: string | undefined
  readonly dataDir: string
  /** That `up` would take. */
  readonly port?: number | undefined
  readonly nodeVersion?: string
}

const oldestNode = 24
/** A job of 50,000 items takes some hundred megabytes with its answers. */
const littleSpaceBytes = 1e9

/** What is missing to run Batchwright here, and how to get it. Starts, downloads and changes nothing. */
export async function diagnose(options: DoctorOptions): Promise<Finding[]> {
  const { environment, nodeVersion = process.versions.node } = options
  const configured = readConfig(options)
  const port = options.port ?? defaultApiPort
  const [postgres, temporal, service] = await Promise.all([
    checkPostgres(environment),
    checkTemporal(environment),
    checkService(environment, port),
  ])
  return [
    checkNode(nodeVersion),
    configured.finding,
    ...(configured.config === null ? [] : [checkProviders(configured.config, environment)]),
    postgres,
    temporal,
    checkDataDirectory(options.dataDir),
    await checkPorts(port, service.listensHere),
    service.finding,
  ]
}

function checkNode(version: string): Finding {
  return Number.parseInt(version, 10) >= oldestNode
    ? ok('node', `Node ${version}`)
    : fail('node', `this is Node ${version}`, `install Node ${oldestNode} or newer, or run npm ci, which brings one`)
}

function readConfig({ environment, directory, configFile }: DoctorOptions): { config: Config | null; finding: Finding } {
  try {
    const config = loadConfig({ file: configFile, directory, environment })
    const detail = config.file === null ? 'no batchwright.yaml: everything has its default' : `${config.file} can be used`
    return { config, finding: ok('configuration', detail) }
  } catch (error) {
    if (!(error instanceof BatchwrightError)) throw error
    const remedy = 'mend it, then look with `batchwright config --check FILE`'
    return { config: null, finding: fail('configuration', error.message, remedy) }
  }
}

function checkProviders({ providers }: Config, environment: NodeJS.ProcessEnv): Finding {
  const names = (wanted: boolean) => providers.filter(({ configured }) => configured === wanted).map(({ name }) => name)
  const [configured, others] = [names(true), names(false)]
  if (configured.length > 0) {
    const without = others.length === 0 ? '' : `; without one: ${others.join(', ')}`
    return ok('provider keys', `${configured.join(', ')} (\`batchwright providers check\` tries them)${without}`)
  }
  const service = environment['BATCHWRIGHT_URL'] ? ', where the worker runs' : ''
  return warn(
    'provider keys',
    'no provider has a key here',
    `set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY${service}, or try it without: \`batchwright up --simulate\``,
  )
}

function checkDataDirectory(directory: string): Finding {
  const path = resolve(directory)
  const name = 'data directory'
  const remedy = 'choose another one with --data, or mend its rights'
  try {
    const existing = nearestExisting(path)
    if (!statSync(existing).isDirectory()) return fail(name, `${existing} is a file`, 'choose another one with --data')
    accessSync(existing, constants.R_OK | constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(existing)
    if (bavail * bsize < littleSpaceBytes)
      return warn(name, `${path} has ${(bavail * bsize) / 1e6} MB left`, 'make room, or choose another one with --data')
    return ok(name, existing === path ? `${path} can be written` : `${path} is not there yet and can be created`)
  } catch (error) {
    return fail(name, `${path} can't be written (${describeError(error)})`, remedy)
  }
}

function nearestExisting(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) !== undefined || dirname(path) === path ? path : nearestExisting(dirname(path))
}

async function checkPorts(port: number, isOurs: boolean): Promise<Finding> {
  if (isOurs) return ok('ports', `${port} is Batchwright's own`)
  if (port !== 0 && !(await isPortFree(port))) {
    return fail('ports', `${port} is taken by another program`, 'end it, or choose another port with --port')
  }
  const { temporal = 0, temporalUi = 0 } = usualPorts
  const taken = []
  for (const usual of [temporal, temporalUi]) if (!(await isPortFree(usual))) taken.push(usual)
  const others = taken.length === 0 ? '' : `; Temporal takes others than the usual ${taken.join(' and ')}`
  return ok('ports', `${port} is free${others}`)
}
