import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalBlobs } from '../../src/ground/blobs/index.ts'
import { readConfig } from '../../src/ground/config.ts'
import { readMigrations } from '../../src/ground/database/index.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import type { Ground } from '../../src/ground/ground.ts'
import { createServer, listen, type Route } from '../../src/ground/http/index.ts'
import { createKeyring } from '../../src/ground/keyring/index.ts'
import { createNews } from '../../src/ground/news/index.ts'
import { createInstances, migrations as ofInstances, type Instance, type NewInstance } from '../../src/rooms/instances/index.ts'
import { createOAuth, migrations as ofOAuth, type MintRequest } from '../../src/rooms/oauth/index.ts'
import { createPermissions } from '../../src/rooms/permissions/index.ts'
import { send, type TestRequest } from '../help/request.ts'

const ROOMS = join(import.meta.dirname, '..', '..', 'src', 'rooms')

/** A clock whose hands a test turns. */
export function movingClock() {
  let ahead = 0
  return {
    now: () => new Date(Date.now() + ahead),
    advance: (milliseconds: number) => void (ahead += milliseconds),
  }
}

/** What rooms below OAuth add. */
export interface More {
  routes?: Route[]
  adminRoutes?: Route[]
}

/**
 * The first three rooms behind a real server on a real database, with an instance for whoever asks. `more` makes the rooms
 * below, on the same ground.
 */
export async function openRooms<M extends More = object>(
  more?: (ground: Ground, rooms: Pick<OpenRooms, 'instances' | 'permissions' | 'oauth'>) => M,
  rooms: string[] = [],
) {
  const cleanup = new AsyncDisposableStack()
  const sources = [ofInstances, { room: 'permissions', folder: join(ROOMS, 'permissions', 'migrations') }, ofOAuth]
  for (const room of rooms) sources.push({ room, folder: join(ROOMS, room, 'migrations') })
  const database = cleanup.use(await createTestDatabase({ migrations: readMigrations(sources), connections: 10 }))
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-oauth-'))
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }))
  const clock = movingClock()
  const log = silentLog
  const listener = await listen('127.0.0.1', 0, 'PORT')
  const config = readConfig({ KONNECTORY_DATA: folder })
  const news = cleanup.use(createNews({ log }))
  const keyring = cleanup.use(createKeyring({ config, database, clock, log }))
  const documents = createDocuments({ database, clock, publish: events => news.publish(events) })
  const ground: Ground = {
    config,
    clock,
    log,
    database,
    documents,
    news,
    keyring,
    blobs: createLocalBlobs({ folder: join(folder, 'blobs'), clock, log } as never),
  }
  const instances = createInstances(ground, { port: listener.port })
  const permissions = createPermissions(ground, { instances })
  const oauth = createOAuth(ground, { instances, permissions })
  const below = more?.(ground, { instances, permissions, oauth })
  const app = await createServer({
    listener,
    routes: [...instances.routes, ...permissions.routes, ...oauth.routes, ...(below?.routes ?? [])],
    secure: false,
    log,
    clock,
    gate: {
      tenantOf: instances.tenantOf,
      tokenOf: oauth.tokenOf,
      authenticate: oauth.authenticate,
      registering: oauth.registering,
      sessionOf: (tenant, cookie) => instances.sessions.find(cookie, tenant as Instance),
    },
  })
  cleanup.defer(() => app.close())

  // The administration listener, on its own port: its routes name their instance in the query.
  const adminListener = await listen('127.0.0.1', 0, 'ADMIN_PORT')
  const nobody = { id: '', domain: '', url: '', locale: 'en' }
  const admin = await createServer({
    listener: adminListener,
    routes: [...oauth.adminRoutes, ...(below?.adminRoutes ?? [])],
    secure: false,
    log,
    clock,
    gate: {
      tenantOf: async () => ({ tenant: nobody, blocked: undefined }),
      tokenOf: () => undefined,
      authenticate: oauth.authenticate,
      registering: async () => undefined,
      sessionOf: async () => undefined,
    },
  })
  cleanup.defer(() => admin.close())

  const origin = `http://127.0.0.1:${listener.port}`
  return {
    ground,
    clock,
    instances,
    permissions,
    oauth,
    below: below as M,
    listener,
    origin,
    adminOrigin: `http://127.0.0.1:${adminListener.port}`,

    /** A new instance, with what a test needs to speak to it. */
    async instance(wanted: Partial<NewInstance> = {}) {
      const domain = wanted.domain ?? `u${Math.random().toString(36).slice(2, 10)}.localhost`
      const { instance, registerToken } = await instances.create({ ...wanted, domain })
      const mint = (request: Omit<MintRequest, 'instance'>) => oauth.mint({ instance, ...request })
      return {
        instance,
        registerToken,
        mint,
        /** Signs in; the cookie of the browser. */
        async signIn(): Promise<{ cookie: string; sessionId: string }> {
          const { session, setCookie } = await instances.sessions.open(instance)
          return { cookie: setCookie.split(';')[0]!, sessionId: session.id }
        },
        cli: (scope: string) => mint({ audience: 'cli', subject: 'CLI', scope }),
        request: (path: string, options: TestRequest = {}) => send(origin, path, { host: instance.domain, ...options }),
      }
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

export type OpenRooms = Awaited<ReturnType<typeof openRooms>>
export type TestInstance = Awaited<ReturnType<OpenRooms['instance']>>
