import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/ground/clock.ts'
import { readConfig } from '../../src/ground/config.ts'
import { createPool } from '../../src/ground/database/index.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'
import type { NewsEvent } from '../../src/ground/news/index.ts'
import { createHouse, type House, houseMigrations, takePorts } from '../../src/house.ts'
import type { Instance } from '../../src/rooms/instances/index.ts'
import { send, type TestRequest } from '../help/request.ts'
import { connect } from '../realtime/house.ts'

export const EVERYTHING =
  'io.cozy.bills io.cozy.files io.cozy.contacts io.cozy.settings io.cozy.jobs io.cozy.jobs.events'

/** One of several houses, which share a database and nothing else in memory. */
export interface OneHouse {
  house: House
  origin: string
  request(instance: Instance, path: string, token?: string, options?: TestRequest): ReturnType<typeof send>
  /** A websocket with a token for everything; it listens to the doctypes when this resolves. */
  listen(instance: Instance, ...doctypes: string[]): ReturnType<typeof connect>
  token(instance: Instance, scope?: string): Promise<string>
  /** Resolves with the first event from now on that is meant. */
  told(meant: (event: NewsEvent) => boolean): Promise<NewsEvent>
  /** Resolves when news got lost. */
  missed(): Promise<void>
}

/** Opens houses on one database. */
export async function openHouses(target: Parameters<typeof createPool>[0]['target'], count = 2) {
  await using cleanup = new AsyncDisposableStack()
  const dataDirectory = await mkdtemp(join(tmpdir(), 'konnectory-news-'))
  cleanup.defer(() => rm(dataDirectory, { recursive: true, force: true }))
  const config = readConfig({ KONNECTORY_PORT: '0', KONNECTORY_ADMIN_PORT: '0', KONNECTORY_DATA: dataDirectory })
  const houses: OneHouse[] = []
  for (let n = 0; n < count; n++) {
    const database = cleanup.use(createPool({ target, connections: 8, statementTimeout: 10_000, log: silentLog }))
    const listeners = await takePorts(config, cleanup)
    const house = cleanup.use(await createHouse({ config, database, listeners, log: silentLog, clock: systemClock }))
    houses.push(asOneHouse(house))
  }
  const [one, two] = houses as [OneHouse, OneHouse]
  const opened = cleanup.move()
  let made = 0
  return {
    one,
    two,
    person: async () =>
      (await one.house.rooms.instances.create({ domain: `p${++made}.example.test`, locale: 'en' })).instance,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Two houses on a database of the test server. */
export async function openTwoHouses() {
  await using cleanup = new AsyncDisposableStack()
  const database = cleanup.use(await createTestDatabase({ migrations: houseMigrations() }))
  const houses = cleanup.use(await openHouses(database.url))
  const opened = cleanup.move()
  return { ...houses, database, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

function asOneHouse(house: House): OneHouse {
  const { news } = house.ground
  const origin = house.url.replace(/\/$/, '')
  const token = (instance: Instance, scope = EVERYTHING) =>
    house.rooms.oauth.mint({ instance, audience: 'cli', subject: 'CLI', scope })
  return {
    house,
    origin,
    token,
    request: (instance, path, bearer, options = {}) =>
      send(origin, path, {
        host: new URL(instance.url).host,
        ...options,
        headers: {
          accept: 'application/json',
          ...(bearer && { authorization: `Bearer ${bearer}` }),
          ...options.headers,
        },
      }),
    async listen(instance, ...doctypes) {
      const client = await connect(origin, instance)
      client.send({ method: 'AUTH', payload: await token(instance) })
      for (const doctype of doctypes) client.subscribe(doctype)
      await client.settled()
      return client
    },
    told: meant =>
      new Promise(resolve => {
        const end = news.subscribe(event => {
          if (!meant(event)) return
          end()
          resolve(event)
        })
      }),
    missed: () =>
      new Promise(resolve => {
        const end = news.subscribe(() => {}, {
          wants: () => false,
          missed() {
            end()
            resolve()
          },
        })
      }),
  }
}
