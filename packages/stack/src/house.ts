import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalBlobs } from '#ground/blobs/index'
import type { Clock } from '#ground/clock'
import { type Config, ConfigError } from '#ground/config'
import { type Database, migrate, openDatabase } from '#ground/database/index'
import { createDocuments } from '#ground/documents/index'
import type { Ground } from '#ground/ground'
import { createServer, type Listener, listen } from '#ground/http/index'
import { createKeyring } from '#ground/keyring/index'
import { leaveRoot } from '#ground/leave-root'
import type { Log } from '#ground/log'
import { connectNews, createNews } from '#ground/news/index'
import { INSTANCE_NEWS } from '#rooms/instances'
import { type Contexts, readContexts } from '#rooms/settings'
import { serveAdministration, writeAdminFile } from './house/admin-listener.ts'
import { tenantOrCallback } from './house/callback-host.ts'
import { chores } from './house/chores.ts'
import { healthRoutes } from './house/health.ts'
import { startHousekeeping } from './house/housekeeping.ts'
import { createJail } from './house/jail.ts'
import { createMetrics } from './house/metrics.ts'
import { houseMigrations } from './house/migrations.ts'
import { openApiRoutes } from './house/open-api.ts'
import { createRooms, type Rooms } from './house/rooms.ts'

export { houseMigrations } from './house/migrations.ts'

/** A server that answers. Disposing lets requests under way end, then closes everything in reverse. */
export interface House extends AsyncDisposable {
  ground: Ground
  rooms: Rooms
  /** Where it listens, `http://127.0.0.1:8080/`; an instance has its own URL. */
  url: string
  adminUrl: string
  adminSecret: string
  /** Tries the jail of konnectors now rather than at the first run. */
  prepareJail(): Promise<void>
  /** Rejects when the house cannot go on: the database went away. */
  failed: Promise<never>
}

interface Parts {
  log: Log
  clock: Clock
}

/** Opens the house of a configuration: takes its ports, opens the database, migrates it, and answers. */
export async function openHouse(config: Config, parts: Parts): Promise<House> {
  await using cleanup = new AsyncDisposableStack()
  const listeners = await takePorts(config, cleanup)
  const database = cleanup.use(await openDatabase(config, parts))
  const house = cleanup.use(await createHouse({ ...parts, config, database, listeners }))
  leaveRoot(config.dataDirectory, parts.log)
  // As the user it will run as; nobody waits for it.
  void house.prepareJail()
  await writeAdminFile(config.dataDirectory, { url: house.adminUrl, secret: house.adminSecret })
  const opened = cleanup.move()
  return { ...house, failed: database.lost, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

export interface Listeners {
  main: Listener
  admin: Listener
}

/** Ports first: one that is taken is told before a database is started for nothing. */
export async function takePorts({ http }: Config, cleanup: AsyncDisposableStack): Promise<Listeners> {
  const main = cleanup.use(await listen(http.host, http.port, 'KONNECTORY_PORT'))
  const admin = cleanup.use(await listen('127.0.0.1', http.adminPort, 'KONNECTORY_ADMIN_PORT'))
  return { main, admin }
}

export interface HouseOptions extends Parts {
  config: Config
  /** Open; stays the caller's. */
  database: Pick<Database, 'query' | 'driver' | 'transaction'>
  listeners: Listeners
}

/** Builds the house on a database that is open: ground, rooms, servers. */
export async function createHouse({ config: given, database, listeners, log, clock }: HouseOptions): Promise<House> {
  await using cleanup = new AsyncDisposableStack()
  const config = { ...given, http: { ...given.http, port: listeners.main.port, adminPort: listeners.admin.port } }

  const keyring = cleanup.use(createKeyring({ config, database, clock, log }))
  // With the wrong key nothing is written, not even a table.
  await keyring.assertKeysMatch()
  await migrate(database.driver, houseMigrations(), log)
  await keyring.start()

  const news = cleanup.use(createNews({ log }))
  // Unwrapped keys of an instance that is gone are not kept either.
  news.subscribe(
    ({ tenant, doctype, doc }) => {
      if (doctype === INSTANCE_NEWS && doc.change === 'destroyed') keyring.forget(tenant.id)
    },
    { wants: () => false, missed: () => keyring.forgetAll() },
  )
  const { publish, isWanted, lose } = news
  const documents = createDocuments({ database, clock, publish, isWanted, lose })
  // Before anything is remembered because no news speak against it.
  cleanup.use(await connectNews({ news, documents, database, log }))
  const blobs = createLocalBlobs({ directory: join(config.dataDirectory, 'blobs'), clock })
  const ground: Ground = { config, clock, log, database, documents, news, blobs, keyring }
  const jail = cleanup.use(createJail(config, log))
  const rooms = createRooms(ground, { contexts: contextsOf(config), runner: jail.runner })
  for (const room of [rooms.instances, rooms.oauth]) cleanup.use(room)
  cleanup.use(rooms.data)
  cleanup.use(rooms.registry)
  cleanup.use(rooms.konnectors)
  cleanup.use(rooms.jobs)
  cleanup.use(rooms.triggers)
  await rooms.jobs.start({ work: false })
  cleanup.use(startHousekeeping(chores(rooms), log))

  const metrics = cleanup.use(createMetrics({ database }))
  const version = packageVersion()
  const health = healthRoutes({ database, version })
  const routes = [...rooms.routes, ...health]
  const { instances, oauth } = rooms
  const admin = await serveAdministration({
    listener: listeners.admin,
    routes: [...rooms.adminRoutes, ...health, ...metrics.routes],
    log,
    clock,
  })
  cleanup.defer(() => admin.app.close())
  const app = await createServer({
    listener: listeners.main,
    routes: [...routes, ...openApiRoutes(routes, version)],
    secure: config.http.secure,
    observe: metrics.observe,
    log,
    clock,
    gate: {
      tenantOf: tenantOrCallback(rooms),
      tokenOf: oauth.tokenOf,
      authenticate: oauth.authenticate,
      registering: oauth.registering,
      sessionOf: async (tenant, cookie) => {
        const instance = cookie === undefined ? undefined : await instances.byId(tenant.id)
        return instance && instances.sessions.find(cookie, instance)
      },
    },
  })
  cleanup.defer(() => app.close())
  rooms.realtime.attach(listeners.main.server)
  cleanup.use(rooms.realtime)
  // First of all at the end: no new requests, those under way end.
  cleanup.defer(async () => {
    // Who waits for changes is answered now, not in 25 s.
    rooms.data.endWaits()
    // Websockets too: the listener waits for them, and they would stay.
    await Promise.all([
      listeners.main[Symbol.asyncDispose](),
      listeners.admin[Symbol.asyncDispose](),
      rooms.realtime[Symbol.asyncDispose](),
    ])
  })

  // Jobs use what is above: they begin last, and are given back before it ends.
  rooms.jobs.work()
  rooms.triggers.start()
  cleanup.defer(async () => {
    await rooms.triggers[Symbol.asyncDispose]()
    await rooms.jobs.rest()
  })

  const opened = cleanup.move()
  return {
    ground,
    rooms,
    url: `http://${config.http.host}:${listeners.main.port}/`,
    adminUrl: admin.url,
    adminSecret: admin.secret,
    prepareJail: jail.prepare,
    failed: new Promise(() => {}),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** @throws ConfigError naming the file */
function contextsOf({ contextsFile }: Config): Contexts | undefined {
  if (contextsFile === undefined) return undefined
  try {
    return readContexts(readFileSync(contextsFile, 'utf8'))
  } catch (error) {
    throw new ConfigError(`KONNECTORY_CONTEXTS=${contextsFile}: ${(error as Error).message}`, { cause: error })
  }
}

function packageVersion(): string {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')).version
}
