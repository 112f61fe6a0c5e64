import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive } from '../../src/ground/database/testing.ts'

export const isRoot = process.getuid?.() === 0
/** Some uid without a name that nobody uses, for tests as an ordinary user. */
export const STRANGER = 60_901

export interface Facts {
  ready?: true
  ms: number
  kind: string
  version: string
  fsync: string
  directory: string
  refused?: string
  message: string
}

export interface TestServer extends AsyncDisposable {
  child: ChildProcess
  /** What it says first: that it is ready, or why it refuses. */
  first: Promise<Facts>
  /** All lines so far. */
  said: unknown[]
  log(): string
  /** Ends it in order; its exit code. */
  close(): Promise<number | null>
  /** Kills node alone, as an out-of-memory killer does. */
  kill(): Promise<void>
}

export interface StartOptions {
  env: Record<string, string>
  uid?: number
  /** Put before node: `unshare -m sh -c …`. */
  before?: string[]
  /** Another checkout's server.ts. */
  script?: string
}

const started = new Set<ChildProcess>()
// A test that failed half way leaves its servers; they would keep the file from ending.
after(() => {
  for (const child of started) child.kill('SIGKILL')
})

/** Starts help/server.ts in a process of its own. */
export function startServer({ env, uid, before = [], script }: StartOptions): TestServer {
  const [command = '', ...args] = [...before, process.execPath, script ?? join(import.meta.dirname, 'server.ts')]
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH ?? '', TMPDIR: tmpdir(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    ...(uid !== undefined && { uid, gid: uid }),
  })
  started.add(child)
  child.once('close', () => started.delete(child))
  const said: unknown[] = []
  let log = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    log += text
  })
  child.stdin.on('error', () => {})
  const { promise: first, resolve, reject } = Promise.withResolvers<Facts>()
  createInterface({ input: child.stdout }).on('line', line => {
    const fact = JSON.parse(line)
    if (said.push(fact) === 1) resolve(fact)
  })
  const ended = new Promise<number | null>(done =>
    child.once('close', code => {
      reject(new Error(`The server ended with ${code} and said nothing. Its log:\n${log}`))
      done(code)
    }),
  )
  first.catch(() => {})
  const close = () => {
    child.stdin.end()
    return ended
  }
  return {
    child,
    first,
    said,
    log: () => log,
    close,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async [Symbol.asyncDispose]() {
      await close()
    },
  }
}

/** A folder that others may pass through; what is in it stays when the test failed. */
export function testFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `konnectory-${name}-`))
  chmodSync(folder, 0o755)
  return folder
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Pid of the postmaster of a data directory; 0 without one. */
export function postmasterOf(dataDirectory: string): number {
  const file = join(dataDirectory, 'postgresql/postmaster.pid')
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : 0
}

/** Waits until a process that is not ours is gone. @returns milliseconds it took @throws after `most` of them */
export async function gone(pid: number, most: number): Promise<number> {
  const started = performance.now()
  while (isAlive(pid) && !isZombie(pid)) {
    if (performance.now() - started > most) throw new Error(`process ${pid} is still there after ${most} ms`)
    await delay(2)
  }
  return Math.round(performance.now() - started)
}

/** Where process 1 reaps nothing, what was orphaned stays as a zombie: dead all the same. */
function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
