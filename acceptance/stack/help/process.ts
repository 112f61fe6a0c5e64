import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createTestDatabase } from '@konnectory/stack/testing'

const ROOT = join(import.meta.dirname, '../../..')
export const onExternalDatabase = process.env.KONNECTORY_TEST_DATABASE === 'external'

/** What a server keeps over its restarts: a folder, and with `--external` a database of somebody else. */
export interface Place extends AsyncDisposable {
  /** KONNECTORY_DATA. */
  data: string
  environment: Record<string, string>
}

export async function makePlace(name: string): Promise<Place> {
  await using cleanup = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), `konnectory-${name}-`))
  // Started as root, the embedded database runs as another user, who has to pass.
  chmodSync(folder, 0o755)
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const data = join(folder, 'data')
  const environment: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    TMPDIR: tmpdir(),
    KONNECTORY_DATA: data,
    KONNECTORY_PORT: '0',
    KONNECTORY_ADMIN_PORT: '0',
    KONNECTORY_LOG: 'warn',
  }
  if (onExternalDatabase) environment.DATABASE_URL = cleanup.use(await createTestDatabase({ migrations: [] })).url
  const made = cleanup.move()
  return { data, environment, [Symbol.asyncDispose]: () => made.disposeAsync() }
}

/** The real server, `packages/stack/src/main.ts`, in a process of its own. Disposing stops it in order. */
export interface Stack extends AsyncDisposable {
  pid: number
  port: number
  adminPort: number
  /** `Basic …` of this start. */
  adminAuthorization: string
  /** Milliseconds from spawn to the first answer. */
  startMs: number
  /** Of those, milliseconds its main thread was ready to run and other processes had the processor (Linux; elsewhere 0). */
  queuedMs: number
  /** How it ended, once it has. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  isRunning(): boolean
  /** What it has logged so far. */
  log(): string
  /** Its log lines that tell of something that should not be. */
  complaints(): string[]
  admin(method: string, path: string, body?: object): Promise<Response>
  token(domain: string, scope: string): Promise<string>
  tokenOf(parameters: Record<string, string>): Promise<string>
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>
}

export async function startStack({ data, environment }: Pick<Place, 'data' | 'environment'>): Promise<Stack> {
  const started = performance.now()
  const child = spawn(process.execPath, [join(ROOT, 'packages/stack/src/main.ts')], {
    env: environment,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  let log = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    log += text
  })
  let running = true
  const ended = new Promise<Awaited<Stack['ended']>>((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => {
      running = false
      process.off('exit', killWithUs)
      resolve({ code, signal })
    })
  })
  const ready = new Promise<{ url: string; admin: string }>(resolve => {
    createInterface({ input: child.stdout }).once('line', line => resolve(JSON.parse(line)))
  })
  const tooEarly = ended.then(({ code }) => {
    throw new Error(`The server ended with ${code} before it was ready:\n${log}`)
  })
  const said = await Promise.race([ready, tooEarly])
  tooEarly.catch(() => {})
  const port = Number(new URL(said.url).port)
  const first = await fetch(`http://127.0.0.1:${port}/status`)
  await first.arrayBuffer()
  const startMs = performance.now() - started
  const queuedMs = queuedOf(child.pid!)

  const { url: adminUrl, secret } = JSON.parse(readFileSync(join(data, 'admin.json'), 'utf8'))
  const adminAuthorization = `Basic ${Buffer.from(`admin:${secret}`).toString('base64')}`
  const admin: Stack['admin'] = (method, path, body) =>
    fetch(new URL(path, adminUrl), {
      method,
      headers: { authorization: adminAuthorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
  const tokenOf: Stack['tokenOf'] = async parameters => {
    const answer = await admin('POST', `/instances/token?${new URLSearchParams(parameters)}`)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`No token for ${JSON.stringify(parameters)}: ${answer.status} ${text}`)
    return text
  }
  return {
    pid: child.pid!,
    port,
    adminPort: Number(new URL(adminUrl).port),
    adminAuthorization,
    startMs,
    queuedMs,
    ended,
    isRunning: () => running,
    log: () => log,
    complaints: () => log.split('\n').filter(line => line !== '' && !/"level":"(warn|info|debug)"/.test(line)),
    admin,
    token: (domain, scope) => tokenOf({ Domain: domain, Audience: 'cli', Scope: scope }),
    tokenOf,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async [Symbol.asyncDispose]() {
      if (!running) return
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Live processes whose command line has a text in it, this one excepted (Linux; elsewhere none are found). */
export function processesWith(text: string): { pid: number; command: string }[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(name => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return command.includes(text) ? [{ pid: Number(name), command }] : []
      } catch {
        // It ended between the two looks.
        return []
      }
    })
}

function queuedOf(pid: number): number {
  if (process.platform !== 'linux') return 0
  const [, nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')
  return Number(nanoseconds) / 1e6
}

/** Resident memory of a process in MiB: now, and the most it ever had (Linux; elsewhere 0). */
export function memoryOf(pid: number): { resident: number; peak: number } {
  if (process.platform !== 'linux') return { resident: 0, peak: 0 }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024
  return { resident: of('VmRSS'), peak: of('VmHWM') }
}
