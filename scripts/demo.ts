// What `npm start` runs: the demo vendor, the sample konnector `demo-classic` against it through the real CLI, and a look
// at what arrived. Everything it makes is under .demo/ (ignored by git); deleting that folder starts afresh.
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BEHAVIOURS, type Behaviour, type DemoVendor, startDemoVendor } from '@konnectory/testkit/demo-vendor'
import { type Received, readReceived } from './demo-received.ts'
import { describeArrival } from './demo-report.ts'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const KONNECTOR = 'demo-classic'
const VENDOR_NAME = 'demo-vendor.test'

const HELP = `npm start [-- options]

  --into <folder> where everything goes (default .demo)
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
    await demonstrate(vendor, resolve(values.into ?? join(ROOT, '.demo')), interruption.signal)
    if (values.keep) await keepRunning(vendor, interruption.signal)
  } finally {
    await vendor.close()
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

async function demonstrate(vendor: DemoVendor, demo: string, signal: AbortSignal): Promise<void> {
  const user = vendor.users[0]!
  const folder = join(demo, KONNECTOR)
  const received = join(demo, 'received')
  say(`A vendor's site runs at ${vendor.url} (it calls itself Aquavolt and does not exist).`)
  say(`Now konnectors/${KONNECTOR} runs there as ${user.email}, without any server of ours, from ${shown(folder)}.\n`)
  await prepare(folder, received, { login: user.email, password: user.password })
  const before = await readReceived(received)
  const started = performance.now()
  await runKonnector(folder, received, vendor.port, signal)
  const seconds = (performance.now() - started) / 1000
  const after: Received = await readReceived(received)
  say(`\n${describeArrival({ before, after, seconds, folder: shown(received) })}`)
  say(`
What next?
  npm run konnectory -- create my-konnector    your own konnector, ready to run
  npm start -- --keep                          keeps the vendor's site open: look at it in a browser
  npm start -- --mode maintenance              see how a konnector says that the vendor is down
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

/** `konnectory standalone`, with its output on this terminal. Rejects unless it ends with 0. */
async function runKonnector(folder: string, received: string, port: number, signal: AbortSignal): Promise<void> {
  const cli = join(ROOT, 'packages', 'cli', 'src', 'bin.ts')
  const args = [cli, 'standalone', '--dir', received, '--host', `${VENDOR_NAME}=127.0.0.1:${port}`]
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'inherit' })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  const code = await exitOf(child)
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (code !== 0) {
    throw new Error(
      `The konnector did not succeed (exit ${code}); its own words are above. What had arrived before is untouched, in ${shown(received)}.`,
    )
  }
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
