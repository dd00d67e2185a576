import { readinessSchema } from '../api/contracts/health.ts'
import { urlWithoutSecrets } from '../core/url-without-secrets.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

const timeoutMs = 5000
const name = 'service'

/** Whether the API answers where clients look for it, and can run jobs. `listensHere`: it is the one on `port` of this machine. */
export async function checkService(
  environment: NodeJS.ProcessEnv,
  port: number,
): Promise<{ finding: Finding; listensHere: boolean }> {
  const given = environment['BATCHWRIGHT_URL']?.trim()
  if (given && !URL.canParse(given)) {
    const finding = fail(name, 'BATCHWRIGHT_URL is no URL', 'write it like http://127.0.0.1:8787')
    return { finding, listensHere: false }
  }
  const url = (given || `http://127.0.0.1:${port}`).replace(/\/+$/, '')
  const shown = urlWithoutSecrets(url)
  const answer = await ask(`${url}/readyz`)
  if (answer === null) {
    // Where nobody said that there is one, there may be none yet.
    const finding = given
      ? fail(name, `nothing answers at ${shown}`, 'start it with `batchwright up`, or set BATCHWRIGHT_URL right')
      : warn(name, `nothing runs at ${shown}`, 'start it with `batchwright up`')
    return { finding, listensHere: false }
  }
  const readiness = readinessSchema.safeParse(answer.body)
  if (!readiness.success) {
    const finding = fail(
      name,
      `what is at ${shown} is not Batchwright`,
      'set BATCHWRIGHT_URL right, or choose another port with --port',
    )
    return { finding, listensHere: false }
  }
  const listensHere = isHere(url, port)
  const missing = (['postgres', 'temporal', 'worker'] as const).filter((part) => !readiness.data[part].ready)
  if (missing.length > 0) {
    const details = missing.map((part) => `${part}: ${readiness.data[part].detail ?? 'not ready'}`).join('; ')
    const finding = fail(name, `${shown} answers and can't run jobs: ${details}`, 'start what is missing; its logs say more')
    return { finding, listensHere }
  }
  const key = environment['BATCHWRIGHT_API_KEY']?.trim()
  const listed = await ask(`${url}/v1/jobs?limit=1`, key === undefined || key === '' ? {} : { authorization: `Bearer ${key}` })
  if (listed?.status === 401) {
    const what = key ? 'refuses BATCHWRIGHT_API_KEY' : 'asks for a key'
    return { finding: fail(name, `${shown} ${what}`, 'set BATCHWRIGHT_API_KEY to that of the service'), listensHere }
  }
  return { finding: ok(name, `${shown} is ready`), listensHere }
}

async function ask(url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: unknown } | null> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) })
    const text = await response.text()
    return { status: response.status, body: parseJson(text) }
  } catch {
    return null
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isHere(url: string, port: number): boolean {
  const { hostname, port: given } = new URL(url)
  return ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) && Number(given) === port
}
