import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../src/ground/clock.ts'
import { readConfig } from '../../src/ground/config.ts'
import { readMigrations } from '../../src/ground/database/index.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import type { Ground } from '../../src/ground/ground.ts'
import { createServer, listen } from '../../src/ground/http/index.ts'
import { createKeyring } from '../../src/ground/keyring/index.ts'
import { createNews } from '../../src/ground/news/index.ts'
import { createInstances, type Instance, migrations as instanceMigrations } from '../../src/rooms/instances/index.ts'
import { createAuthenticate } from '../../src/rooms/oauth/authenticate.ts'
import { createRegistering } from '../../src/rooms/oauth/authenticate-registering.ts'
import { tokenOf } from '../../src/rooms/oauth/authenticate-request.ts'
import { createMint, type Mint, type MintRequest } from '../../src/rooms/oauth/mint.ts'
import { createPermissions } from '../../src/rooms/permissions/index.ts'
import { send, type TestAnswer, type TestRequest } from '../help/request.ts'

/** A clock whose hands the test turns. */
export interface TestClock extends Clock {
  forward(milliseconds: number): void
}

export function testClock(start = Date.now()): TestClock {
  let time = start
  return {
    now: () => new Date(time),
    forward(milliseconds) {
      time += milliseconds
    },
  }
}

const CLIENTS = 'io.cozy.oauth.clients'

/** The rooms down to tokens, on a database, with their routes on a port, and one instance. */
export async function startRooms() {
  await using cleanup = new AsyncDisposableStack()
  const dataDirectory = mkdtempSync(join(tmpdir(), 'konnectory-permissions-'))
  cleanup.defer(() => rmSync(dataDirectory, { recursive: true, force: true }))
  const database = cleanup.use(
    await createTestDatabase({
      migrations: readMigrations([
        instanceMigrations,
        { room: 'permissions', folder: join(import.meta.dirname, '../../src/rooms/permissions/migrations') },
      ]),
    }),
  )
  const clock = testClock()
  const log = silentLog
  const config = readConfig({ KONNECTORY_DATA: dataDirectory })
  const news = cleanup.use(createNews({ log }))
  const documents = createDocuments({ database, clock, publish: news.publish })
  const keyring = cleanup.use(createKeyring({ config, database, clock, log }))
  // Nothing here has contents of files.
  const ground: Ground = { config, clock, log, database, documents, news, keyring, blobs: undefined as never }

  const instances = createInstances(ground)
  const permissions = createPermissions(ground, { instances })
  const authenticate = createAuthenticate(ground, { instances, permissions })
  const mint = createMint({ clock, keys: instances })
  const { instance, registerToken } = await instances.create({ domain: 'alice.localhost' })

  const gate = {
    tenantOf: instances.tenantOf,
    tokenOf,
    authenticate,
    registering: createRegistering(instances.passphrase),
    sessionOf: (tenant: object, cookie: string | undefined) => instances.sessions.find(cookie, tenant as Instance),
  }
  const listener = cleanup.use(await listen('127.0.0.1', 0, 'PORT'))
  await createServer({ routes: permissions.routes, secure: false, listener, gate, log, clock })
  const url = `http://127.0.0.1:${listener.port}`
  const end = cleanup.move()

  const mintFor = (request: Omit<MintRequest, 'instance'>, at: Instance = instance): ReturnType<Mint> =>
    mint({ instance: at, ...request })
  const request = (path: string, token?: string, options: TestRequest = {}): Promise<TestAnswer> =>
    send(url, path, {
      host: instance.domain,
      ...options,
      headers: { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...options.headers },
    })

  return {
    ground,
    instances,
    permissions,
    authenticate,
    instance,
    registerToken,
    clock,
    url,
    request,
    mint: mintFor,
    cli: (scope: string) => mintFor({ audience: 'cli', subject: 'CLI', scope }),
    /** Installs an app as far as its rules go. @returns its token, without a session */
    async app(slug: string, rules: object) {
      await permissions.replace(instance, { type: 'app', slug }, rules)
      return mintFor({ audience: 'app', subject: slug })
    },
    async konnector(slug: string, rules: object) {
      await permissions.replace(instance, { type: 'konnector', slug }, rules)
      return mintFor({ audience: 'konn', subject: slug })
    },
    /** Registers a client. @returns an access token of it */
    async client(id: string, scope: string, more: Record<string, unknown> = {}) {
      await documents
        .of(instance)
        .create(CLIENTS, { client_name: id, client_kind: 'desktop', software_id: 'x', ...more }, id)
      return mintFor({ audience: 'access', subject: id, scope })
    },
    /** How many statements the database got while work was done. */
    async queriesOf(work: () => Promise<unknown>): Promise<number> {
      let count = 0
      const { driver } = database
      const original = { query: driver.query, connect: driver.connect }
      const counted = (method: 'query' | 'connect') =>
        function (this: unknown, ...args: unknown[]) {
          count++
          return Reflect.apply(original[method], driver, args)
        }
      Object.assign(driver, { query: counted('query'), connect: counted('connect') })
      try {
        await work()
      } finally {
        Object.assign(driver, original)
      }
      return count
    },
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  }
}

export type Rooms = Awaited<ReturnType<typeof startRooms>>
