import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createLocalBlobs } from '../../src/ground/blobs/index.ts'
import { readMigrations } from '../../src/ground/database/index.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'
import type { DocumentTransaction } from '../../src/ground/documents/contract.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import type { Ground } from '../../src/ground/ground.ts'
import type { Actor } from '../../src/ground/http/grant.ts'
import { createServer, HttpError, listen } from '../../src/ground/http/index.ts'
import { createKeyring } from '../../src/ground/keyring/index.ts'
import type { NewsEvent } from '../../src/ground/news/contract.ts'
import { createNews } from '../../src/ground/news/index.ts'
import type { Tenant } from '../../src/ground/tenant.ts'
import { createFiles, type FilesOptions, migrations } from '../../src/rooms/files/index.ts'
import { type Entry, FILES, type FileEntry, ROOT_ID, VERSIONS } from '../../src/rooms/files/record.ts'
import { grantOf, MAXIMAL, parseScope } from '../../src/rooms/permissions/index.ts'
import { send, type TestAnswer, type TestRequest } from '../help/request.ts'

export interface TestOwner extends Tenant {
  quotaBytes?: number | undefined
  publicName: string
}

export interface Ask extends TestRequest {
  /** Makes the token: a scope, `*` for all, null for none. */
  scope?: string | null
  actor?: Partial<Omit<Actor, 'grant'>>
  tenant?: TestOwner
}

/** The files room behind a real server, on a real database and a real directory, with stand-ins for the rooms above it. */
export async function openWriteHouse(options: FilesOptions & { locale?: string } = {}) {
  const cleanup = new AsyncDisposableStack()
  const database = cleanup.use(await createTestDatabase({ migrations: readMigrations([migrations]), connections: 8 }))
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-writing-'))
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

  const owners: TestOwner[] = []
  const hooks: ((instance: Tenant, writer: DocumentTransaction) => Promise<void>)[] = []
  const files = createFiles(
    ground,
    {
      instances: {
        byId: async id => owners.find(owner => owner.id === id),
        list: async ({ after = '', limit = 100 }) => owners.filter(({ domain }) => domain > after).slice(0, limit),
        onCreated: hook => void hooks.push(hook),
      },
      data: { find: () => Promise.reject(new Error('these tests do not search')) },
    },
    options,
  )
  const addOwner = async (name: string, locale = 'en'): Promise<TestOwner> => {
    const domain = `${name}.localhost`
    const owner = { id: randomUUID(), domain, url: `http://${domain}/`, locale, publicName: name.toUpperCase() }
    await documents.transaction(owner, async writer => {
      for (const hook of hooks) await hook(owner, writer)
    })
    owners.push(owner)
    owners.sort((a, b) => (a.domain < b.domain ? -1 : 1))
    return owner
  }
  const alice = await addOwner('alice', options.locale)
  const bob = await addOwner('bob', 'fr')

  const listener = await listen('127.0.0.1', 0, 'PORT')
  const app = await createServer({
    listener,
    routes: files.routes,
    secure: false,
    log,
    clock,
    gate: {
      async tenantOf(host) {
        const tenant = owners.find(({ domain }) => domain === host)
        if (!tenant) throw new HttpError(404, 'Instance not found')
        return { tenant, blocked: undefined }
      },
      tokenOf: ({ headers }) => headers.authorization?.replace('Bearer ', ''),
      async authenticate(tenant, token) {
        const { domain, scope, actor } = JSON.parse(Buffer.from(token, 'base64url').toString())
        if (domain !== tenant.domain) throw new HttpError(400, 'Invalid JWT token')
        const grant = grantOf(scope === '*' ? MAXIMAL : parseScope(scope))
        return { kind: 'konnector', subject: 'acme', slug: 'acme', version: '1.2.3', ...actor, grant }
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
  const origin = `http://127.0.0.1:${listener.port}`

  const headersFor = ({ scope = FILES, actor, tenant = alice, headers = {} }: Ask): Record<string, string> => ({
    accept: 'application/json',
    ...(scope !== null && {
      authorization: `Bearer ${Buffer.from(JSON.stringify({ domain: tenant.domain, scope, actor })).toString('base64url')}`,
    }),
    ...headers,
  })
  const ask = (path: string, request: Ask = {}): Promise<TestAnswer> => {
    const { scope, actor, tenant = alice, ...rest } = request
    return send(origin, path, { ...rest, host: tenant.domain, headers: headersFor(request) })
  }
  const query = (values: Record<string, string>) => new URLSearchParams(values).toString()

  /** Uploads; @returns the JSON:API object */
  async function upload(directoryId: string, name: string, content: string | Buffer = name, request: Ask = {}) {
    const answer = await ask(`/files/${directoryId}?${query({ Type: 'file', Name: name })}`, {
      method: 'POST',
      body: Buffer.from(content),
      ...request,
    })
    if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`)
    return answer.json.data
  }
  /** Makes a directory; @returns the JSON:API object */
  async function mkdir(path: string, request: Ask = {}) {
    const answer = await ask(`/files/?${query({ Type: 'directory', Path: path, Recursive: 'true' })}`, {
      method: 'POST',
      ...request,
    })
    if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`)
    return answer.json.data
  }
  const patch = (id: string, attributes: object, request: Ask = {}) =>
    ask(`/files/${id}`, { method: 'PATCH', body: { data: { attributes } }, ...request })
  const overwrite = (id: string, content: string | Buffer, request: Ask = {}, parameters = '') =>
    ask(`/files/${id}${parameters}`, { method: 'PUT', body: Buffer.from(content), ...request })

  /** As stored; undefined when there is none. */
  async function stored(id: string, tenant: TestOwner = alice): Promise<Entry | undefined> {
    const document = await documents.of(tenant).get(FILES, id)
    return document && !document.deleted
      ? ({ ...document.body, _id: document.id, _rev: document.rev } as unknown as Entry)
      : undefined
  }
  async function versions(id: string, tenant: TestOwner = alice) {
    const all = await documents.of(tenant).list(VERSIONS)
    return all.filter(({ body }) => body.file_id === id)
  }
  async function contentOf(id: string, tenant: TestOwner = alice): Promise<string> {
    const file = (await stored(id, tenant)) as FileEntry
    return (await buffer(await blobs.open(tenant.id, file.internal_blob))).toString()
  }
  /** Names of what is in the blob store, of everybody. */
  const blobFiles = () =>
    (existsSync(join(folder, 'blobs'))
      ? readdirSync(join(folder, 'blobs'), { recursive: true, withFileTypes: true })
      : []
    )
      .filter(entry => entry.isFile())
      .map(({ name }) => name)
      .sort()
  /** An upload whose body a test writes piece by piece. */
  const slowUpload = (path: string, request: Ask = {}) => {
    const { hostname, port } = new URL(origin)
    const { tenant = alice } = request
    const sending = httpRequest({
      hostname,
      port,
      path,
      method: request.method ?? 'POST',
      headers: { host: tenant.domain, ...headersFor(request) },
      agent: false,
    })
    const answer = new Promise<{ status: number; json: unknown }>((resolve, reject) => {
      sending.once('error', reject)
      sending.once('response', async response => {
        const body = await buffer(response)
        resolve({ status: response.statusCode ?? 0, json: body.length > 0 ? JSON.parse(body.toString()) : undefined })
      })
    })
    return { sending, answer }
  }
  /** For a client in another process. */
  const target = (path: string, request: Ask = {}) => ({
    url: origin + path,
    headers: { host: (request.tenant ?? alice).domain, ...headersFor(request) } as Record<string, string>,
  })
  /** Collects events until disposed. */
  const subscribe = () => {
    const events: NewsEvent[] = []
    const end = news.subscribe(event => void events.push(event))
    return { events, [Symbol.dispose]: end }
  }

  return {
    ground,
    files,
    folder,
    database,
    root: ROOT_ID,
    alice,
    bob,
    addOwner,
    ask,
    query,
    upload,
    mkdir,
    patch,
    overwrite,
    stored,
    versions,
    contentOf,
    blobFiles,
    slowUpload,
    target,
    subscribe,
    usage: (tenant: TestOwner = alice) => files.service.usage(tenant),
    advance: (ms: number) => {
      ahead += ms
    },
    now: () => clock.now(),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

export type WriteHouse = Awaited<ReturnType<typeof openWriteHouse>>

export const md5 = (content: string | Buffer) => createHash('md5').update(content).digest('base64')

/** A stream of `bytes` bytes. */
export function streamOf(bytes: number): Readable {
  const block = Buffer.alloc(64 * 1024, 7)
  return Readable.from(
    (function* () {
      for (let left = bytes; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block
    })(),
  )
}
