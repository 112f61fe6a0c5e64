import { randomUUID } from 'node:crypto'
import { systemClock } from '../../src/ground/clock.ts'
import { readMigrations } from '../../src/ground/database/migrations.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import type { Ground } from '../../src/ground/ground.ts'
import type { Actor } from '../../src/ground/http/grant.ts'
import { createServer, listen } from '../../src/ground/http/index.ts'
import { createLog } from '../../src/ground/log.ts'
import { createNews } from '../../src/ground/news/index.ts'
import type { Tenant } from '../../src/ground/tenant.ts'
import { createData, type Data, migrations } from '../../src/rooms/data/index.ts'
import { grantOf, MAXIMAL, parseScope } from '../../src/rooms/permissions/index.ts'
import { send, type TestAnswer, type TestRequest } from './request.ts'

/** A 500 of a test is explained where the test's output is. */
const log = createLog({ level: 'error', clock: systemClock, write: line => process.stderr.write(line) })

/** A tenant that no other test uses. */
export function newTenant(name = 'alice'): Tenant {
  return { id: randomUUID(), domain: `${name}.localhost`, url: `http://${name}.localhost/`, locale: 'en' }
}

export interface DataServer extends AsyncDisposable {
  ground: Ground
  data: Data
  tenant: Tenant
  url: string
  /** With a token that may do everything, unless the headers say otherwise. `scope` makes one that may do only that. */
  ask(path: string, request?: TestRequest & { scope?: string }): Promise<TestAnswer>
}

/**
 * The data room alone, on a real store and a real port. Its tokens are scope texts (`protocol/permissions.md` §1), base64url; the
 * instance `bob` is told by the host name.
 */
export async function startDataServer(prepare: (data: Data) => void = () => {}): Promise<DataServer> {
  const database = await createTestDatabase({ migrations: readMigrations([migrations]) })
  const news = createNews({ log: silentLog })
  const documents = createDocuments({ database, clock: systemClock, publish: news.publish })
  // What this room does not touch is not there.
  const ground = { clock: systemClock, log: silentLog, database, documents, news } as unknown as Ground
  const data = createData(ground)
  prepare(data)
  const [alice, bob] = [newTenant('alice'), newTenant('bob')]
  const listener = await listen('127.0.0.1', 0, 'PORT')
  const server = await createServer({
    listener,
    routes: data.routes,
    secure: false,
    log,
    clock: systemClock,
    gate: {
      tenantOf: async host => ({ tenant: host?.startsWith('bob') ? bob : alice, blocked: undefined }),
      tokenOf: ({ headers }) => headers.authorization?.replace(/^Bearer /, ''),
      authenticate: async (_tenant, token) => actorOf(token),
      registering: async () => undefined,
      sessionOf: async () => undefined,
    },
  })
  const url = `http://127.0.0.1:${listener.port}`
  return {
    ground,
    data,
    tenant: alice,
    url,
    ask: (path, { scope = '*', headers, ...request } = {}) =>
      send(url, path, { ...request, headers: { authorization: `Bearer ${tokenOf(scope)}`, ...headers } }),
    async [Symbol.asyncDispose]() {
      data.endWaits()
      await listener[Symbol.asyncDispose]()
      await server.close()
      await data[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

export const tokenOf = (scope: string): string => Buffer.from(scope).toString('base64url')

/** `client=<id> <scope>` is an OAuth client's. */
function actorOf(token: string): Actor {
  const [, client, scope = ''] = /^(?:client=(\S+) )?(.*)$/s.exec(Buffer.from(token, 'base64url').toString()) ?? []
  const grant = grantOf(scope === '*' ? MAXIMAL : parseScope(scope))
  return client
    ? { kind: 'oauth', subject: client, client: { id: client }, grant }
    : { kind: 'cli', subject: 'CLI', grant }
}
