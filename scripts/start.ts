// What `npm start` runs: the server on a real port, with one instance, and what to do next. Everything it keeps is below
// konnectory-data/ (ignored by git); deleting that folder starts afresh.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

const HELP = `npm start [-- options]

  --port <port>     where to listen (default 8080)
  --data <folder>   where everything is kept (default konnectory-data)
  --domain <name>   of the first instance (default localhost)
  --json            one line for scripts: {"url","admin","onboarding"}
  --verbose         the server's log

Other settings come from the environment: docs/reference/configuration.md. The author's demo is npm run demo.
`

interface Ready {
  url: string
  admin: string
}

/** The administration of the server that was just started. */
interface Admin {
  ask(method: string, path: string, body?: object): Promise<Response>
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: process.env.KONNECTORY_PORT ?? '8080' },
      data: { type: 'string', default: process.env.KONNECTORY_DATA ?? join(ROOT, 'konnectory-data') },
      domain: { type: 'string', default: 'localhost' },
      json: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const data = resolve(values.data)
  const server = startServer({ data, port: values.port, verbose: values.verbose })
  const ended = new Promise<number>(resolveEnd =>
    server.once('exit', (code, signal) => resolveEnd(signal ? 1 : (code ?? 1))),
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill(signal))
  const ready = await Promise.race([readyOf(server), ended])
  if (typeof ready === 'number') return ready
  try {
    const instance = await firstInstance(adminOf(data), values.domain)
    if (values.json) process.stdout.write(`${JSON.stringify({ ...instance, admin: ready.admin })}\n`)
    else process.stdout.write(welcome(instance, values.domain, data))
  } catch (error) {
    server.kill('SIGTERM')
    await ended
    throw error
  }
  return ended
}

function startServer({ data, port, verbose }: { data: string; port: string; verbose: boolean }): ChildProcess {
  return spawn(process.execPath, [join(ROOT, 'packages/stack/src/start.mjs')], {
    cwd: ROOT,
    env: {
      KONNECTORY_LOG: verbose ? 'info' : 'error',
      ...process.env,
      KONNECTORY_DATA: data,
      KONNECTORY_PORT: port,
      // Ended by force, we let go of its standard input, and it stops.
      KONNECTORY_WITH_PARENT: '1',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
    // Ctrl-C reaches the whole group of a terminal; the server is told by us, once.
    detached: true,
  })
}

function readyOf({ stdout }: ChildProcess): Promise<Ready> {
  return new Promise((resolveReady, reject) => {
    createInterface({ input: stdout! }).once('line', line => {
      try {
        resolveReady(JSON.parse(line))
      } catch (error) {
        reject(error)
      }
    })
  })
}

function adminOf(data: string): Admin {
  const { url, secret } = JSON.parse(readFileSync(join(data, 'admin.json'), 'utf8'))
  const authorization = `Basic ${Buffer.from(`start:${secret}`).toString('base64')}`
  return {
    ask: (method, path, body) =>
      fetch(new URL(path, url), {
        method,
        headers: { authorization, accept: 'application/json', 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      }),
  }
}

/** The instance of a domain, made when there is none; with the link to its first passphrase while it has none. */
async function firstInstance({ ask }: Admin, domain: string): Promise<{ url: string; onboarding?: string }> {
  const path = `/instances/${encodeURIComponent(domain)}`
  let answer = await ask('GET', path)
  if (answer.status === 404)
    answer = await ask('POST', '/instances', { domain, locale: process.env.LANG?.startsWith('fr') ? 'fr' : 'en' })
  if (!answer.ok) throw new Error(`The instance ${domain} could not be made: ${await answer.text()}`)
  const { attributes } = ((await answer.json()) as { data: { attributes: Attributes } }).data
  if (attributes.passphrase_defined) return { url: attributes.url }
  const token = attributes.register_token ?? (await newRegisterToken(ask, path))
  return { url: attributes.url, onboarding: `${attributes.url}auth/passphrase?registerToken=${token}` }
}

interface Attributes {
  url: string
  passphrase_defined: boolean
  register_token?: string
}

async function newRegisterToken(ask: Admin['ask'], path: string): Promise<string> {
  const answer = await ask('POST', `${path}/register-token`)
  if (!answer.ok) throw new Error(`No link to choose a password could be made: ${await answer.text()}`)
  return ((await answer.json()) as { data: { attributes: { register_token: string } } }).data.attributes.register_token
}

function welcome({ url, onboarding }: { url: string; onboarding?: string }, domain: string, data: string): string {
  // The command finds the server through its data directory; the usual one need not be said.
  const prefix = data === join(ROOT, 'konnectory-data') ? '' : `KONNECTORY_DATA=${data} `
  return `
Konnectory is running.

  Your space            ${url}
${onboarding ? `  Choose your password  ${onboarding}\n` : ''}  What programs can ask ${url}docs/api
  A token for a script  ${prefix}npm run --silent konnectory -- instances token-cli ${domain} io.cozy.files io.cozy.bills

Stop it with Ctrl-C. A konnector to try, without this server: npm run demo
`
}

process.exitCode = await main().catch(error => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  return 1
})
