import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalBlobs } from '../../src/ground/blobs/index.ts'
import type { Clock } from '../../src/ground/clock.ts'
import { readConfig } from '../../src/ground/config.ts'
import { readMigrations } from '../../src/ground/database/index.ts'
import { createTestDatabase } from '../../src/ground/database/testing.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import type { Ground } from '../../src/ground/ground.ts'
import type { Actor, Grant } from '../../src/ground/http/grant.ts'
import { createServer, HttpError, listen, type Route } from '../../src/ground/http/index.ts'
import { createKeyring } from '../../src/ground/keyring/index.ts'
import { createLog } from '../../src/ground/log.ts'
import { createNews, type NewsEvent } from '../../src/ground/news/index.ts'
import { createAccounts, migrations } from '../../src/rooms/accounts/index.ts'
import { createData, migrations as ofData } from '../../src/rooms/data/index.ts'
import { createInstances, type Instance, migrations as ofInstances } from '../../src/rooms/instances/index.ts'
import { send, type TestRequest } from '../help/request.ts'

export const ACCOUNTS = 'io.cozy.accounts'
export const ALL_MIGRATIONS = readMigrations([ofInstances, ofData, migrations])

/** A grant on some doctypes, with some verbs. */
const grantOn = (doctypes: string[], verbs: string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']): Grant => {
  const allows = (verb: string, doctype: string) => verbs.includes(verb) && doctypes.includes(doctype)
  return {
    maximal: false,
    allowsWholeType: allows,
    allowsId: allows,
    allowsDocument: allows,
    allowsOnFields: allows,
  }
}
const grant = grantOn([ACCOUNTS, 'io.cozy.bills'])

/** Tokens of the tests, and whose they are. */
export const ACTORS: Record<string, Actor> = {
  ui: { kind: 'app', subject: 'home', slug: 'home', version: '1.2.3', sessionId: 's1', grant },
  service: { kind: 'app', subject: 'banks', slug: 'banks', grant },
  client: { kind: 'oauth', subject: 'c1', client: { id: 'c1' }, grant },
  linked: { kind: 'oauth', subject: 'c2', slug: 'drive', client: { id: 'c2' }, grant },
  cli: { kind: 'cli', subject: 'CLI', grant },
  reader: { kind: 'app', subject: 'home', slug: 'home', sessionId: 's1', grant: grantOn([ACCOUNTS], ['GET']) },
  stranger: { kind: 'konnector', subject: 'acme', slug: 'acme', grant: grantOn(['io.cozy.bills']) },
}

function actorOf(token: string): Actor | undefined {
  if (ACTORS[token]) return ACTORS[token]
  // `konn:acme`, or with the account of its run `konn:acme:<id>`.
  const [kind, slug, accountId] = token.split(':')
  if (kind !== 'konn' || !slug) return undefined
  return { kind: 'konnector', subject: slug, slug, grant, ...(accountId && { accountId }) }
}

/** The rooms up to accounts, on a real port and a real database, with the instances alice and bob. */
export async function openHouse({ timeout = 15_000, subdomains = 'nested' as 'nested' | 'flat' } = {}) {
  const cleanup = new AsyncDisposableStack()
  const database = cleanup.use(await createTestDatabase({ migrations: ALL_MIGRATIONS, connections: 10 }))
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-accounts-'))
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }))
  let ahead = 0
  const clock: Clock = { now: () => new Date(Date.now() + ahead) }
  const lines: string[] = []
  const log = createLog({ level: 'debug', clock, write: line => void lines.push(line) })
  const config = readConfig({ KONNECTORY_DATA: folder, KONNECTORY_SUBDOMAINS: subdomains })
  const news = cleanup.use(createNews({ log }))
  const events: NewsEvent[] = []
  news.subscribe(event => void events.push(event))
  const keyring = cleanup.use(createKeyring({ config, database, clock, log }))
  const documents = createDocuments({ database, clock, publish: published => news.publish(published) })
  const blobs = createLocalBlobs({ directory: join(folder, 'blobs'), clock })
  const ground: Ground = { config, clock, log, database, documents, news, keyring, blobs }
  const listener = await listen('127.0.0.1', 0, 'PORT')
  const instances = createInstances(ground, { port: listener.port })
  const data = cleanup.use(createData(ground))
  const accounts = createAccounts(ground, { instances, data, tokenRequest: { timeout } })
  const gate = {
    tenantOf: instances.tenantOf,
    tokenOf: ({ headers }: { headers: { authorization?: string | undefined } }) =>
      /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1],
    async authenticate(_tenant: unknown, token: string) {
      const actor = actorOf(token)
      if (!actor) throw new HttpError(400, 'Invalid JWT token')
      return actor
    },
    registering: async () => undefined,
    sessionOf: (tenant: unknown, cookie: string | undefined) => instances.sessions.find(cookie, tenant as Instance),
  }
  const serve = async (routes: Route[], on: typeof listener, overrides: object = {}) => {
    const app = await createServer({ listener: on, routes, secure: false, log, clock, gate: { ...gate, ...overrides } })
    cleanup.defer(() => app.close())
    cleanup.use(on)
    return `http://127.0.0.1:${on.port}`
  }
  const origin = await serve([...data.routes, ...accounts.routes], listener)
  const nobody = { id: '', domain: '', url: '', locale: 'en' }
  const admin = await serve(accounts.adminRoutes, await listen('127.0.0.1', 0, 'ADMIN_PORT'), {
    tenantOf: async () => ({ tenant: nobody, blocked: undefined }),
  })

  const tenant = async (domain: string, context: string) => {
    const { instance } = await instances.create({ domain, context })
    /** As a token: its name in `ACTORS`, or `konn:…`. */
    const as = (token: string) => {
      const request = (path: string, { headers, ...options }: TestRequest = {}) =>
        send(origin, path, {
          host: instance.domain,
          headers: { accept: 'application/json', authorization: `Bearer ${token}`, ...headers },
          ...options,
        })
      const account = (id: string) => `/data/${ACCOUNTS}/${encodeURIComponent(id)}`
      return {
        request,
        get: (id: string, query = '') => request(account(id) + query),
        post: (body: object) => request(`/data/${ACCOUNTS}/`, { method: 'POST', body }),
        put: (id: string, body: object) => request(account(id), { method: 'PUT', body }),
        remove: (id: string, rev: string) => request(`${account(id)}?rev=${rev}`, { method: 'DELETE' }),
      }
    }
    return {
      instance,
      as,
      /** A browser that is signed in. */
      async browser() {
        const { session, setCookie } = await instances.sessions.open(instance)
        const cookie = setCookie.split(';', 1)[0]!
        const visit = (path: string, headers: Record<string, string> = {}) =>
          send(origin, path, { host: instance.domain, headers: { accept: 'text/html', cookie, ...headers } })
        return { session, cookie, visit }
      },
      /** A browser nobody is signed in with. */
      visit: (path: string) => send(origin, path, { host: instance.domain, headers: { accept: 'text/html' } }),
      /** What the database holds, as text: dumps, backups and replicas have the same. */
      async dump(): Promise<string> {
        const { rows } = await database.driver.query(
          "select coalesce(string_agg(doc::text, '\n'), '') as text from konnectory.docs where instance_id = $1",
          [instance.id],
        )
        return rows[0].text
      },
      stored: async (id: string, doctype = ACCOUNTS) => documents.of(instance).get(doctype, id),
    }
  }
  return {
    ground,
    accounts,
    instances,
    events,
    /** All that was logged. */
    lines,
    origin,
    keyring,
    alice: await tenant('alice.localhost', 'work'),
    bob: await tenant('bob.localhost', 'default'),
    forward(milliseconds: number) {
      ahead += milliseconds
    },
    admin: (path: string, options: TestRequest = {}) =>
      send(admin, path, { headers: { accept: 'application/json' }, ...options }),
    type: (id: string, definition: object) =>
      send(admin, `/account_types/${encodeURIComponent(id)}`, { method: 'PUT', body: definition }),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

export type House = Awaited<ReturnType<typeof openHouse>>
