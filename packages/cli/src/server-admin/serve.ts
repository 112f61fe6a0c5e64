import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { delimiter, dirname, join, parse, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Terminal, UsageError } from '../terminal/output.ts'

export interface ServeFlags {
  data?: string
  host?: string
  port?: string
  adminPort?: string
  json?: boolean
}

const LEAST_NODE = 26
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs the server until it ends. @returns its exit code; 128 and the signal's number when a signal ended it */
export async function serve(flags: ServeFlags, terminal: Terminal): Promise<number> {
  const main = findServer(terminal.cwd)
  const node = await findNode(dirname(main), terminal.env)
  const { data, host, port, adminPort } = flags
  const chosen = {
    KONNECTORY_DATA: data && resolve(terminal.cwd, data),
    KONNECTORY_HOST: host,
    KONNECTORY_PORT: port,
    KONNECTORY_ADMIN_PORT: adminPort,
  }
  const set = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined))
  const child = spawn(node, [main], {
    cwd: terminal.cwd,
    // Ended by force (npm is, by a signal), we let go of its standard input, and it stops.
    env: { ...terminal.env, ...set, KONNECTORY_WITH_PARENT: '1' },
    // A group of its own: Ctrl-C reaches it through us, once. A second signal would end it at once.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
  const pass = SIGNALS.map(signal => {
    const listener = () => void child.kill(signal)
    process.on(signal, listener)
    return () => void process.off(signal, listener)
  })
  child.stderr.on('data', chunk => void terminal.stderr.write(chunk))
  createInterface(child.stdout).on(
    'line',
    line => void terminal.stdout.write(`${flags.json ? line : readable(line)}\n`),
  )
  try {
    return await ended
  } finally {
    for (const stop of pass) stop()
  }
}

function readable(line: string): string {
  try {
    const { ready, url, admin } = JSON.parse(line) as { ready?: unknown; url?: unknown; admin?: unknown }
    if (ready) return `Konnectory answers at ${url} (administration: ${admin}). Ctrl-C stops it.`
  } catch {
    // A line of another kind is shown as it is.
  }
  return line
}

/**
 * The server's main file, by the package's own door: that of the folder the command was called in, else the one installed
 * beside this command.
 */
function findServer(cwd: string): string {
  for (const from of [join(cwd, 'package.json'), fileURLToPath(import.meta.url)]) {
    try {
      // Of a package one may only resolve what it exports; `start.mjs` is not to be imported.
      const door = createRequire(from).resolve('@konnectory/stack/ground')
      return join(dirname(door), '..', 'start.mjs')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error
    }
  }
  throw new UsageError(
    'The server is a package of its own, and it is not installed here: npm install @konnectory/stack, then konnectory serve again.',
  )
}

/** A Node that runs the server: this one, the one in `node_modules/.bin` above the server, or one on the PATH. */
async function findNode(server: string, env: NodeJS.ProcessEnv): Promise<string> {
  if (Number.parseInt(process.versions.node, 10) >= LEAST_NODE) return process.execPath
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const places: string[] = []
  for (let folder = server; folder !== parse(folder).root; folder = dirname(folder))
    places.push(join(folder, 'node_modules', '.bin', name))
  places.push(...(env.PATH ?? '').split(delimiter).map(folder => join(folder, name)))
  for (const place of places) if (existsSync(place) && (await majorOf(place)) >= LEAST_NODE) return place
  throw new UsageError(
    `The server needs Node ${LEAST_NODE} or later, and this is ${process.version}. Install it, or run npm install in the server's folder, which brings its own.`,
  )
}

async function majorOf(node: string): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)(node, ['--version'], { timeout: 10_000 })
    return Number.parseInt(stdout.replace(/^v/, ''), 10)
  } catch {
    return 0 // Not one that runs here.
  }
}
