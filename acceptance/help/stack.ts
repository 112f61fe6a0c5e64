import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createTestDatabase } from '@konnectory/stack/testing'
import { hashPassphrase } from './browser.ts'

const root = join(import.meta.dirname, '../..')

/** A server in a process of its own, with one instance. Disposing stops it and checks that it had nothing to be sorry for. */
export interface Stack extends AsyncDisposable {
  /** Of the instance, without a final slash: `http://localhost:41234`. */
  url: string
  domain: string
  /** A request to the administration; its answer's text. @throws unless it succeeds */
  admin(path: string, options?: { method?: string; body?: object }): Promise<string>
  /** A CLI token for some scope. */
  token(scope: string): Promise<string>
  /** Any other token, by the parameters of the administration's route: `Audience`, `Subject`, `Scope`, `Expire`. */
  tokenOf(parameters: Record<string, string>): Promise<string>
  /** Sets the passphrase of the instance. */
  setPassphrase(passphrase: string): Promise<void>
}

/**
 * Starts `packages/stack/src/main.ts` as an operator does: free ports, a fresh data directory, the embedded database, or one of
 * Debian's PostgreSQL 15 by `npm test -- --external acceptance/clients`.
 */
export async function startStack(): Promise<Stack> {
  await using cleanup = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-acceptance-'))
  // Started as root, the embedded database runs as another user, who has to pass.
  chmodSync(folder, 0o755)
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    TMPDIR: tmpdir(),
    KONNECTORY_DATA: join(folder, 'data'),
    KONNECTORY_PORT: '0',
    KONNECTORY_ADMIN_PORT: '0',
    KONNECTORY_LOG: 'warn',
  }
  if (process.env.KONNECTORY_TEST_DATABASE === 'external') {
    const database = cleanup.use(await createTestDatabase({ migrations: [] }))
    env.DATABASE_URL = database.url
  }

  const server = cleanup.use(await startServer(env))
  const { url: adminUrl, secret } = JSON.parse(readFileSync(join(folder, 'data/admin.json'), 'utf8'))
  const authorization = `Basic ${Buffer.from(`admin:${secret}`).toString('base64')}`
  const admin: Stack['admin'] = async (path, { method = 'GET', body } = {}) => {
    const answer = await fetch(new URL(path, adminUrl), {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} of the administration: ${answer.status} ${text}`)
    return text
  }
  const made = JSON.parse(
    await admin('/instances', { method: 'POST', body: { domain: 'localhost', locale: 'en', publicName: 'Alice' } }),
  )
  const domain: string = made.data.attributes.domain
  const tokenOf: Stack['tokenOf'] = parameters =>
    admin(`/instances/token?${new URLSearchParams({ Domain: domain, ...parameters })}`, { method: 'POST' })

  const opened = cleanup.move()
  return {
    url: `http://localhost:${new URL(server.url).port}`,
    domain,
    admin,
    tokenOf,
    token: scope => tokenOf({ Audience: 'cli', Scope: scope }),
    async setPassphrase(passphrase) {
      const path = `/instances/${domain}/passphrase`
      const { salt, iterations } = JSON.parse(await admin(path)).data.attributes
      const body = { passphrase: hashPassphrase(passphrase, salt, iterations), iterations }
      await admin(path, { method: 'PUT', body })
    },
    async [Symbol.asyncDispose]() {
      await opened.disposeAsync()
      const sorry = server
        .log()
        .split('\n')
        .filter(line => line.includes('"level":"error"'))
      if (sorry.length > 0) throw new Error(`The server logged errors:\n${sorry.join('\n')}`)
    },
  }
}

async function startServer(env: Record<string, string>) {
  const child = spawn(process.execPath, [join(root, 'packages/stack/src/main.ts')], {
    env,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  let log = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    log += text
  })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  const ready = new Promise<{ url: string }>(resolve => {
    createInterface({ input: child.stdout }).once('line', line => resolve(JSON.parse(line)))
  })
  const tooEarly = ended.then(code => {
    throw new Error(`The server ended with ${code} before it was ready:\n${log}`)
  })
  const { url } = await Promise.race([ready, tooEarly])
  tooEarly.catch(() => {})
  return {
    url,
    log: () => log,
    async [Symbol.asyncDispose]() {
      process.off('exit', killWithUs)
      child.kill('SIGTERM')
      const code = await ended
      if (code !== 0) throw new Error(`The server ended with ${code}:\n${log}`)
    },
  }
}
