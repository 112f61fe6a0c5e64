import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = join(import.meta.dirname, '..', '..')

/** The real server in a process of its own, as an operator starts it. */
export interface Server extends AsyncDisposable {
  port: number
  pid: number
  /** Milliseconds from spawn to the first answer. */
  startMs: number
  admin(method: string, path: string, body?: object): Promise<Response>
}

/** Starts the server on a folder; ends with it. */
export async function startServer(dataDirectory: string): Promise<Server> {
  const started = performance.now()
  const child = spawn(process.execPath, [join(ROOT, 'packages/stack/src/start.mjs')], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      KONNECTORY_DATA: dataDirectory,
      KONNECTORY_PORT: '0',
      KONNECTORY_ADMIN_PORT: '0',
      KONNECTORY_LOG: 'warn',
      // A bench that is cut short leaves no server behind.
      KONNECTORY_WITH_PARENT: '1',
      ...(process.env.DATABASE_URL && { DATABASE_URL: process.env.DATABASE_URL }),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const { url } = await readyLine(child)
  const port = Number(new URL(url).port)
  const answer = await fetch(`http://127.0.0.1:${port}/status`)
  await answer.arrayBuffer()
  const startMs = performance.now() - started
  const { url: adminUrl, secret } = JSON.parse(readFileSync(join(dataDirectory, 'admin.json'), 'utf8'))
  const authorization = `Basic ${Buffer.from(`bench:${secret}`).toString('base64')}`
  return {
    port,
    pid: child.pid!,
    startMs,
    admin: (method, path, body) =>
      fetch(new URL(path, adminUrl), {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode) return
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}

function readyLine(child: ChildProcess): Promise<{ url: string }> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', line => resolve(JSON.parse(line)))
    child.once('exit', code => reject(new Error(`the server ended with ${code} before it was ready`)))
  })
}

/** A folder for one run of the bench. */
export function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'konnectory-bench-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Memory of a process in MiB: resident, and what it does not share with others (Linux). */
export function memoryOf(pid: number): { resident: number; own: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0) / 1024
  return { resident: of('Rss'), own: of('Pss') }
}

/** Pids of all descendants (Linux). */
export function descendantsOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  )
  return children.flatMap(child => [child, ...descendantsOf(child)])
}

/** Waits until the server has tried its jail, which it does beside everything else after the start: then it is idle. */
export async function jailTried(pid: number): Promise<void> {
  const isPostgres = (child: number) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('postgres')
  for (let quiet = 0; quiet < 10; ) {
    await new Promise(resolve => setTimeout(resolve, 100))
    try {
      quiet = descendantsOf(pid).every(isPostgres) ? quiet + 1 : 0
    } catch {
      quiet = 0 // One of them has just ended.
    }
  }
}
