// What `npm run demo` runs: the demo vendor, the sample konnector `demo-classic` against it through the real CLI, and a look
// at what arrived. Everything it makes is under .demo/ (ignored by git); deleting that folder starts afresh.
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BEHAVIOURS, type Behaviour, type DemoVendor, startDemoVendor } from '@konnectory/testkit/demo-vendor'
import { endOf, konnectorsWords } from './demo-log.ts'
import { readReceived } from './demo-received.ts'
import { describeArrival } from './demo-report.ts'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const KONNECTOR = 'demo-classic'
const VENDOR_NAME = 'demo-vendor.test'

const HELP = `npm run demo [-- options]

  --into <folder> where everything goes (default .demo)
  --verbose       every line of the konnector
  --keep          leave the demo vendor running afterwards, until Ctrl-C
  --mode <name>   with something wrong at the vendor: ${Object.keys(BEHAVIOURS).join(', ')}
`

/** Ctrl-C; the process then ends with 130 as shells expect. */
class Interrupted extends Error {}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      into: { type: 'string' },
      keep: { type: 'boolean' },
      verbose: { type: 'boolean' },
      mode: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const interruption = new AbortController()
  const interrupt = () => interruption.abort(new Interrupted())
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  const vendor = await startDemoVendor(values.mode === undefined ? {} : { mode: values.mode as Behaviour })
  try {
    await demonstrate({
      vendor,
      demo: resolve(values.into ?? join(ROOT, '.demo')),
      verbose: values.verbose === true,
      trouble: values.mode,
      signal: interruption.signal,
    })
    if (values.keep) await keepRunning(vendor, interruption.signal)
  } finally {
    await vendor.close()
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

interface Demonstration {
  vendor: DemoVendor
  /** Folder where everything goes. */
  demo: string
  verbose: boolean
  /** The bad day that was asked for. */
  trouble: string | undefined
  signal: AbortSignal
}

async function demonstrate({ vendor, demo, verbose, trouble, signal }: Demonstration): Promise<void> {
  const user = vendor.users[0]!
  const folder = join(demo, KONNECTOR)
  const received = join(demo, 'received')
  say(`Aquavolt, a vendor that does not exist, has its site at ${vendor.url}.`)
  say(`Now konnectors/${KONNECTOR} logs in there as ${user.email}; no server is involved.\n`)
  await prepare(folder, received, { login: user.email, password: user.password })
  const before = await readReceived(received)
  const started = performance.now()
  const args = ['--dir', received, '--host', `${VENDOR_NAME}=127.0.0.1:${vendor.port}`]
  const end = await runKonnector({ folder, args, verbose, signal })
  if (end.code !== 0) {
    const kept = `What had arrived before is untouched, in ${shown(received)}.`
    if (trouble === undefined || end.error === undefined) {
      throw new Error(`The konnector did not succeed (exit ${end.code}); its own words are above. ${kept}`)
    }
    say(`\nAs asked, the vendor had a bad day (${trouble}). The konnector ended with ${end.error}. ${kept}`)
    return
  }
  const seconds = (performance.now() - started) / 1000
  const after = await readReceived(received)
  say(`\n${describeArrival({ before, after, seconds, folder: shown(received) })}`)
  say(`
What next?
  npx konnectory create my-konnector    your own konnector, ready to run
  npm start -- --keep                   keeps the vendor's site open: look at it in a browser
  npm start -- --mode maintenance       the same on the vendor's bad day
  npm start -- --verbose                every line of the konnector
`)
}

/** A fresh copy of the sample konnector, and the configuration an author would write by hand. */
async function prepare(folder: string, received: string, fields: Record<string, string>): Promise<void> {
  await mkdir(received, { recursive: true })
  await cp(join(ROOT, 'konnectors', KONNECTOR), folder, {
    recursive: true,
    filter: path => !['node_modules', 'build', 'fixtures', 'konnector-dev-config.json'].includes(basename(path)),
  })
  const config = { COZY_URL: 'http://cozy.localhost:8080', fields, COZY_PARAMETERS: {} }
  await writeFile(join(folder, 'konnector-dev-config.json'), `${JSON.stringify(config, null, 2)}\n`)
}

interface KonnectorRun {
  /** The konnector's. */
  folder: string
  /** Arguments of `konnectory standalone`. */
  args: string[]
  verbose: boolean
  signal: AbortSignal
}

/**
 * `konnectory standalone`, with its output on this terminal: all of it, or the konnector's own words only.
 * @returns its exit code, and the error code it ended with, when it said one
 */
async function runKonnector({ folder, args, verbose, signal }: KonnectorRun) {
  const cli = join(ROOT, 'packages', 'cli', 'src', 'bin.ts')
  const command = [cli, 'standalone', ...args, ...(verbose ? [] : ['--json'])]
  const child = spawn(process.execPath, command, { cwd: folder, stdio: ['inherit', 'pipe', 'inherit'] })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  let error: string | undefined
  const ended = exitOf(child)
  for await (const line of createInterface({ input: child.stdout })) {
    const told = verbose ? line : konnectorsWords(line)
    if (told !== undefined) say(told)
    error = endOf(line) ?? error
  }
  const code = await ended
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  return { code, error }
}

function exitOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, killedBy) => resolve(code ?? killedBy ?? 'unknown'))
  })
}

async function keepRunning(vendor: DemoVendor, signal: AbortSignal): Promise<void> {
  const people = vendor.users.map(({ email, password }) => `  ${email.padEnd(20)} ${password}`).join('\n')
  say(`The vendor stays at ${vendor.url} (phone: /_phone, troubles: /_modes) until Ctrl-C.\n${people}`)
  await new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** A path as one would type it from here. */
function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') ? path : short
}

main().catch((error: unknown) => {
  if (error instanceof Interrupted) {
    process.exitCode = 130
    return
  }
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
