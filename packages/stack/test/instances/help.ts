import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalBlobs } from '../../src/ground/blobs/index.ts'
import type { Clock } from '../../src/ground/clock.ts'
import { type Config, readConfig } from '../../src/ground/config.ts'
import { readMigrations } from '../../src/ground/database/index.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import type { Ground } from '../../src/ground/ground.ts'
import type { Actor } from '../../src/ground/http/grant.ts'
import { createServer, HttpError, type Route } from '../../src/ground/http/index.ts'
import { listen } from '../../src/ground/http/listener.ts'
import { createKeyring } from '../../src/ground/keyring/index.ts'
import { createNews } from '../../src/ground/news/index.ts'
import { createInstances, type Instance, type Instances, migrations } from '../../src/rooms/instances/index.ts'
import { derivePassphrase } from '../../src/rooms/instances/passphrase/derive.ts'
import { send, type TestAnswer, type TestRequest } from '../help/request.ts'

/** A clock whose hands a test turns. */
export function turnableClock(start = '2026-01-15T10:00:00.000Z'): Clock & { forward(ms: number): void } {
  let now = Date.parse(start)
  return {
    now: () => new Date(now),
    forward: ms => {
      now += ms
    },
  }
}

export interface Bench extends AsyncDisposable {
  ground: Ground
  instances: Instances
  clock: ReturnType<typeof turnableClock>
  /** Another process on the same database: rooms of its own, news of its own. */
  other(): Instances
}

export async function openBench(http: Partial<Config['http']> = {}): Promise<Bench> {
  const cleanup = new AsyncDisposableStack()
  const database = cleanup.use(await createTestDatabase({ migrations: readMigrations([migrations]) }))
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-instances-'))
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }))
  const clock = turnableClock()
  const base = readConfig({ KONNECTORY_DATA: folder })
  const config = { ...base, http: { ...base.http, ...http } }
  const make = (): Ground => {
    const news = createNews({ log: silentLog })
    return {
      config,
      clock,
      log: silentLog,
      database,
      news,
      documents: createDocuments({ database, clock, publish: events => news.publish(events) }),
      blobs: createLocalBlobs({ directory: join(folder, 'blobs'), clock }),
      keyring: cleanup.use(createKeyring({ config, database, clock, log: silentLog })),
    }
  }
  const ground = make()
  return {
    ground,
    instances: createInstances(ground),
    clock,
    other: () => createInstances(make()),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

/** Derived as a client does, with few rounds: those of the server's default take half a second. */
export const ITERATIONS = 50_000
export const derived = (passphrase: string, instance: Instance): Promise<string> =>
  derivePassphrase(passphrase, `me@${instance.domain.replace(/:\d+$/, '')}`, ITERATIONS)

export async function makeInstance(
  { instances }: Pick<Bench, 'instances'>,
  domain: string,
  passphrase?: string,
): Promise<Instance> {
  const { instance } = await instances.create({ domain, locale: 'en', publicName: 'Alice', email: 'alice@example.net' })
  if (passphrase !== undefined) {
    await instances.passphrase.set(instance, {
      passphrase: await derived(passphrase, instance),
      iterations: ITERATIONS,
    })
  }
  return (await instances.byDomain(domain))!
}

export interface Served extends AsyncDisposable {
  origin: string
  request(path: string, options?: TestRequest): Promise<TestAnswer>
}

/** The room's routes on a real port; `actors` by token stand for the rooms that make actors. */
export async function serve(
  { instances, ground }: Pick<Bench, 'instances' | 'ground'>,
  routes: Route[],
  { host, actors = {} }: { host: string; actors?: Record<string, Actor> },
): Promise<Served> {
  const listener = await listen('127.0.0.1', 0, 'PORT')
  const app = await createServer({
    routes,
    listener,
    secure: ground.config.http.secure,
    log: ground.log,
    clock: ground.clock,
    gate: {
      tenantOf: instances.tenantOf,
      tokenOf: ({ headers }) => /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1],
      async authenticate(_tenant, token) {
        const actor = actors[token]
        if (!actor) throw new HttpError(400, 'Invalid JWT token')
        return actor
      },
      registering: async () => undefined,
      sessionOf: (tenant, cookie) => instances.sessions.find(cookie, tenant as Instance),
    },
  })
  await app.ready()
  return {
    origin: `http://127.0.0.1:${listener.port}`,
    request: (path, options) => send(`http://127.0.0.1:${listener.port}`, path, { host, ...options }),
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]()
      await app.close()
    },
  }
}

/** `name=value` of each `Set-Cookie`, as a browser sends them back. */
export const cookiesOf = (answer: TestAnswer): string =>
  [answer.headers['set-cookie'] ?? []]
    .flat()
    .map(cookie => cookie.split(';', 1)[0])
    .join('; ')
