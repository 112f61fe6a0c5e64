import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../src/ground/clock.ts'
import { readConfig } from '../../src/ground/config.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'
import type { Log } from '../../src/ground/log.ts'
import { createHouse, type House, houseMigrations, takePorts } from '../../src/house.ts'
import type { Instance } from '../../src/rooms/instances/index.ts'
import { send, type TestAnswer, type TestRequest } from './request.ts'

export interface TestHouseOptions {
  clock?: Clock
  log?: Log
  /** Environment variables, as an operator sets them. */
  environment?: Record<string, string>
}

export interface TestHouse extends AsyncDisposable {
  house: House
  ground: House['ground']
  rooms: House['rooms']
  /** The first instance; its domain is `localhost`, which every client can reach. */
  instance: Instance
  /** Of the first instance, with a final slash. */
  url: string
  /** A CLI token for a scope, by default for everything there is a name for. */
  token(scope?: string, instance?: Instance): Promise<string>
  /** Another instance; name it in requests by `host: instance.domain`. */
  another(domain: string): Promise<Instance>
  /** A request to the first instance with a token for `scope` (none when null), or with the token of its header. */
  request(path: string, options?: TestRequest & { scope?: string | null }): Promise<TestAnswer>
}

/** A whole house in this process: real ports, a database of its own, one instance. */
export async function startTestHouse({
  clock = systemClock,
  log = silentLog,
  environment = {},
}: TestHouseOptions = {}): Promise<TestHouse> {
  await using cleanup = new AsyncDisposableStack()
  const dataDirectory = await mkdtemp(join(tmpdir(), 'konnectory-house-'))
  // Konnectors run as another user, who must get through to their files.
  await chmod(dataDirectory, 0o755)
  cleanup.defer(() => rm(dataDirectory, { recursive: true, force: true }))
  const database = cleanup.use(await createTestDatabase({ migrations: houseMigrations() }))
  const config = readConfig({
    KONNECTORY_PORT: '0',
    KONNECTORY_ADMIN_PORT: '0',
    KONNECTORY_DATA: dataDirectory,
    ...environment,
  })
  const listeners = await takePorts(config, cleanup)
  const house = cleanup.use(await createHouse({ config, database, listeners, log, clock }))
  const { instances, oauth } = house.rooms
  const make = async (domain: string) => (await instances.create({ domain, locale: 'en' })).instance
  const instance = await make('localhost')
  const token: TestHouse['token'] = (scope = EVERYTHING, of = instance) =>
    oauth.mint({ instance: of, audience: 'cli', subject: 'CLI', scope })
  const opened = cleanup.move()
  return {
    house,
    ground: house.ground,
    rooms: house.rooms,
    instance,
    url: instance.url,
    token,
    another: make,
    async request(path, { scope, headers = {}, ...options } = {}) {
      const authorization =
        scope === null || headers.authorization ? {} : { authorization: `Bearer ${await token(scope)}` }
      return send(instance.url, path, {
        ...options,
        headers: { accept: 'application/json', ...authorization, ...headers },
      })
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Doctypes the tests use, with all verbs. */
const EVERYTHING = [
  'io.cozy.files',
  'io.cozy.files.versions',
  'io.cozy.bills',
  'io.cozy.contacts',
  'io.cozy.accounts',
  'io.cozy.settings',
  'io.cozy.permissions',
  'io.cozy.konnectors',
  'io.cozy.apps',
  'io.cozy.doctypes',
  'io.cozy.oauth.clients',
  'io.cozy.sessions',
  'io.cozy.jobs',
  'io.cozy.triggers',
  'io.cozy.bank.operations',
  'io.cozy.identities',
  'io.cozy.tests',
].join(' ')
