import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createLocalBlobs } from '../../src/ground/blobs/index.ts'
import { readMigrations } from '../../src/ground/database/index.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import type { Ground } from '../../src/ground/ground.ts'
import { createServer, HttpError, listen } from '../../src/ground/http/index.ts'
import { createKeyring } from '../../src/ground/keyring/index.ts'
import { createNews } from '../../src/ground/news/index.ts'
import type { Tenant } from '../../src/ground/tenant.ts'
import { createData, migrations as dataMigrations } from '../../src/rooms/data/index.ts'
import { createReading } from '../../src/rooms/files/reading.ts'
import {
  type DirectoryRecord,
  type Entry,
  FILES,
  type FileRecord,
  ROOT_ID,
  TRASH_ID,
  TRASH_PATH,
  VERSIONS,
} from '../../src/rooms/files/record.ts'
import { grantOf, MAXIMAL, parseScope } from '../../src/rooms/permissions/index.ts'
import { send, type TestAnswer, type TestRequest } from '../help/request.ts'

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'src', 'rooms', 'files', 'migrations')
const DAY = '2026-03-04T10:00:00.123Z'

/** The reading routes behind a real server, on a real database, with a tree written as the other half would. */
export async function openReadingHouse() {
  const cleanup = new AsyncDisposableStack()
  const database = cleanup.use(
    await createTestDatabase({ migrations: readMigrations([dataMigrations, { room: 'files', folder: MIGRATIONS }]) }),
  )
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-reading-'))
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }))
  let ahead = 0
  const clock = { now: () => new Date(Date.now() + ahead) }
  const log = silentLog
  const news = cleanup.use(createNews({ log }))
  const blobs = createLocalBlobs({ directory: join(folder, 'blobs'), clock })
  const documents = createDocuments({ database, clock, publish: events => news.publish(events) })
  const config = { dataDirectory: folder } as Ground['config']
  const keyring = cleanup.use(createKeyring({ config, database, clock, log }))
  const ground: Ground = { config, clock, log, database, documents, news, blobs, keyring }
  const data = cleanup.use(createData(ground))
  const reading = createReading(ground, { find: data.find })

  const tenantNamed = (name: string): Tenant => ({
    id: randomUUID(),
    domain: `${name}.localhost`,
    url: `http://${name}.localhost/`,
    locale: 'en',
  })
  const [alice, bob] = [tenantNamed('alice'), tenantNamed('bob')]
  const tenants = new Map([alice, bob].map(tenant => [tenant.domain, tenant]))
  const listener = await listen('127.0.0.1', 0, 'PORT')
  const app = await createServer({
    listener,
    routes: [...data.routes, ...reading.routes],
    secure: false,
    log,
    clock,
    gate: {
      async tenantOf(host) {
        const tenant = tenants.get(host ?? '')
        if (!tenant) throw new HttpError(404, 'Instance not found')
        return { tenant, blocked: undefined }
      },
      tokenOf: ({ headers }) => headers.authorization?.replace('Bearer ', ''),
      /** A token of these tests: `<domain> <scope>`, or `<domain> <scope> client=<id>`. */
      async authenticate(tenant, token) {
        const [, domain, scope = '', client] = /^(\S+) (.*?)(?: client=(\S+))?$/.exec(token) ?? []
        if (domain !== tenant.domain) throw new HttpError(400, 'Invalid JWT token')
        const grant = grantOf(scope === '*' ? MAXIMAL : parseScope(scope))
        return { kind: 'oauth', subject: 'test', grant, ...(client && { client: { id: client } }) }
      },
      registering: async () => undefined,
      sessionOf: async () => undefined,
    },
  })
  await app.ready()
  cleanup.defer(async () => {
    await app.close()
    listener.server.close()
    listener.server.closeAllConnections()
  })
  const { port } = listener

  const write = (tenant: Tenant) => documents.of(tenant)
  /** Makes a directory; `at` is the entry it lies in. */
  async function directory(
    at: Entry | undefined,
    name: string,
    more: Partial<DirectoryRecord> = {},
    { id, tenant = alice }: { id?: string; tenant?: Tenant } = {},
  ): Promise<Entry> {
    const parentPath = at?.type === 'directory' ? at.path : ''
    const record: DirectoryRecord = {
      type: 'directory',
      name,
      dir_id: at?._id ?? '',
      path: at ? `${parentPath === '/' ? '' : parentPath}/${name}` : '/',
      created_at: DAY,
      updated_at: DAY,
      ...more,
    }
    const made = await write(tenant).create(FILES, { ...record }, id)
    return { ...record, _id: made.id, _rev: made.rev }
  }
  async function file(
    at: Entry,
    name: string,
    content: string | Buffer = name,
    more: Partial<FileRecord> = {},
    { id, tenant = alice }: { id?: string; tenant?: Tenant } = {},
  ): Promise<Entry & FileRecord> {
    const stored = await blobs.put(tenant.id, Readable.from([Buffer.from(content)]))
    const record: FileRecord = {
      type: 'file',
      name,
      dir_id: at._id,
      created_at: DAY,
      updated_at: DAY,
      size: String(stored.size),
      md5sum: stored.md5,
      mime: 'application/pdf',
      class: 'pdf',
      executable: false,
      trashed: false,
      encrypted: false,
      internal_blob: stored.key,
      ...more,
    }
    const made = await write(tenant).create(FILES, { ...record }, id)
    return { ...record, _id: made.id, _rev: made.rev }
  }
  async function version(of: Entry, number: number, content: string, { tenant = alice } = {}) {
    const stored = await blobs.put(tenant.id, Readable.from([Buffer.from(content)]))
    const record = {
      file_id: of._id,
      updated_at: `2026-01-0${number}T00:00:00Z`,
      size: String(stored.size),
      md5sum: stored.md5,
      tags: [],
      internal_blob: stored.key,
    }
    return write(tenant).create(VERSIONS, record, `${of._id}/${number}`)
  }
  const roots = await Promise.all(
    [alice, bob].map(async tenant => {
      const root = await directory(undefined, '', {}, { id: ROOT_ID, tenant })
      const trash = await directory(root, TRASH_PATH.slice(1), {}, { id: TRASH_ID, tenant })
      return { root, trash }
    }),
  )

  /** A request to alice's instance; `scope` makes its token, null sends none. */
  const ask = (
    path: string,
    {
      scope = 'io.cozy.files',
      tenant = alice,
      ...request
    }: TestRequest & { scope?: string | null; tenant?: Tenant } = {},
  ): Promise<TestAnswer> =>
    send(`http://127.0.0.1:${port}`, path, {
      ...request,
      host: tenant.domain,
      headers: {
        accept: 'application/json',
        ...(scope !== null && { authorization: `Bearer ${tenant.domain} ${scope}` }),
        ...request.headers,
      },
    })

  return {
    ground,
    data,
    reading,
    alice,
    bob,
    root: roots[0]?.root as Entry,
    trash: roots[0]?.trash as Entry,
    bobsRoot: roots[1]?.root as Entry,
    directory,
    file,
    version,
    ask,
    advance: (ms: number) => {
      ahead += ms
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

export type ReadingHouse = Awaited<ReturnType<typeof openReadingHouse>>

export const md5 = (content: string | Buffer) => createHash('md5').update(content).digest('base64')
