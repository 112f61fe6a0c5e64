import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { Browser } from '../help/browser.ts'
import { startStack } from '../help/stack.ts'
import { published } from './published.ts'

const { Client, MemoryStorage } = published('cozy-client-js')

const BOOKS = 'io.cozy.tests.books'
const MISSING = 'io.cozy.tests.missing'
const ALBUMS = 'io.cozy.photos.albums'
const PASSPHRASE = 'a passphrase of Alice'
const ROOT = 'io.cozy.files.root-dir'

// The client sends streams, which Node's own fetch does not take as it writes them; konnectors give it node-fetch.
globalThis.fetch = published('node-fetch')
// Since Node has a `navigator`, which does not say `onLine`, the client thinks it is offline.
Object.defineProperty(globalThis.navigator, 'onLine', { value: true })
const stack = await startStack()
after(() => stack[Symbol.asyncDispose]())
await stack.setPassphrase(PASSPHRASE)
const scope = ['io.cozy.files', BOOKS, MISSING, ALBUMS, 'io.cozy.settings', 'io.cozy.oauth.clients'].join(' ')
const cozy = new Client({ cozyURL: stack.url, token: await stack.token(scope) })

interface Book {
  _id: string
  _rev: string
  title: string
  year: number
  [member: string]: unknown
}

const md5 = (content: string | Uint8Array) => createHash('md5').update(content).digest('base64')
const titles = (books: Book[]) => books.map(({ title }) => title)

test('data: create, find, update, updateAttributes, delete', async () => {
  const created: Book = await cozy.data.create(BOOKS, { title: 'Moby Dick', isbn: '42' })
  assert.match(created._rev, /^1-/)
  const found: Book = await cozy.data.find(BOOKS, created._id)
  assert.deepEqual([found.title, found._type], ['Moby Dick', BOOKS])

  // What was read is sent back whole, `_type` included.
  const updated: Book = await cozy.data.update(BOOKS, found, { ...found, title: 'Moby Dick!' })
  assert.match(updated._rev, /^2-/)
  await assert.rejects(cozy.data.update(BOOKS, found, { title: 'late' }), { status: 409 })
  const changed: Book = await cozy.data.updateAttributes(BOOKS, created._id, { year: 1852 })
  assert.deepEqual([changed.title, changed.year, changed.isbn], ['Moby Dick!', 1852, '42'])

  const { deleted } = await cozy.data.delete(BOOKS, changed)
  assert.equal(deleted, true)
  await assert.rejects(cozy.data.find(BOOKS, created._id), { status: 404, name: 'FetchError' })
})

test('data: writers of one document do not undo each other', async () => {
  const { _id } = await cozy.data.create(BOOKS, { title: 'shared' })
  const results = await Promise.allSettled(
    [1, 2, 3].map(n => cozy.data.updateAttributes(BOOKS, _id, { [`writer${n}`]: true })),
  )
  const written = results.filter(({ status }) => status === 'fulfilled').length
  const book = await cozy.data.find(BOOKS, _id)
  assert.equal(Object.keys(book).filter(key => key.startsWith('writer')).length, written)
  assert.ok(written >= 1)
})

test('data: findMany, findAll, changesFeed', async () => {
  const a = await cozy.data.create(BOOKS, { title: 'a' })
  const many = await cozy.data.findMany(BOOKS, [a._id, 'nobody'])
  assert.deepEqual([many[a._id].doc.title, many.nobody.error], ['a', 'not_found'])
  const all: Book[] = await cozy.data.findAll(BOOKS)
  assert.ok(titles(all).includes('a'))
  assert.deepEqual(await cozy.data.findAll(MISSING), [])

  const before = await cozy.data.changesFeed(BOOKS, { since: 0 })
  const b = await cozy.data.create(BOOKS, { title: 'b' })
  const { results } = await cozy.data.changesFeed(BOOKS, { since: before.last_seq })
  assert.deepEqual(
    results.map(({ id }: { id: string }) => id),
    [b._id],
  )
})

test('data: defineIndex and query, page by page', async () => {
  for (let year = 2000; year < 2020; year++) {
    await cozy.data.create(BOOKS, { title: `Y${year}`, year, rating: year % 5 })
  }
  const index = await cozy.data.defineIndex(BOOKS, ['year', 'rating'])
  assert.deepEqual(await cozy.data.defineIndex(BOOKS, ['year', 'rating']), index)
  const found: Book[] = await cozy.data.query(index, {
    selector: { year: { $gte: 2010 }, rating: 3 },
    fields: ['_id', 'title', 'year'],
  })
  assert.deepEqual(titles(found), ['Y2013', 'Y2018'])
  const descending: Book[] = await cozy.data.query(index, {
    selector: { year: { $gt: null } },
    sort: [{ year: 'desc' }, { rating: 'desc' }],
    limit: 2,
  })
  assert.deepEqual(titles(descending), ['Y2019', 'Y2018'])
  const whole = await cozy.data.query(index, {
    selector: { year: { $gt: 2001 } },
    limit: 10,
    skip: 5,
    wholeResponse: true,
  })
  assert.deepEqual([whole.docs.length, whole.next, whole.docs[0].year], [10, true, 2007])
})

test('files: folders, by name and by path', async () => {
  const made = await cozy.files.createDirectory({ name: 'Plain', dirID: ROOT })
  assert.equal(made.attributes.path, '/Plain')
  await assert.rejects(cozy.files.createDirectory({ name: 'Plain', dirID: ROOT }), { status: 409 })
  const deep = await cozy.files.createDirectoryByPath('/Plain/a/b')
  assert.equal(deep.attributes.path, '/Plain/a/b')
  assert.equal((await cozy.files.createDirectoryByPath('/Plain/a/b'))._id, deep._id)
})

test('files: a text, bytes and a stream go up and come down', async () => {
  const { _id: dirID } = await cozy.files.createDirectoryByPath('/Updown')
  const text = await cozy.files.create('hello', { name: 'a.txt', dirID, checksum: md5('hello') })
  assert.deepEqual([text.attributes.size, text.attributes.mime], ['5', 'text/plain'])

  const content = randomBytes(2_000_000)
  const streamed = await cozy.files.create(Readable.from([content]), {
    name: 'facture 2025 é&.pdf',
    dirID,
    contentType: 'application/pdf',
    contentLength: content.length,
    lastModifiedDate: new Date('2025-03-04T10:00:00Z'),
    metadata: { fileIdAttributes: 'acme####1' },
  })
  assert.deepEqual(
    [streamed.attributes.size, streamed.attributes.md5sum, streamed.attributes.metadata],
    ['2000000', md5(content), { fileIdAttributes: 'acme####1' }],
  )
  assert.equal(Date.parse(streamed.attributes.created_at), Date.parse('2025-03-04T10:00:00Z'))
  const down = await cozy.files.downloadById(streamed._id)
  assert.equal(down.headers.get('content-type'), 'application/pdf')
  assert.deepEqual(Buffer.from(await down.arrayBuffer()), content)
  assert.equal(await (await cozy.files.downloadByPath('/Updown/a.txt')).text(), 'hello')

  const updated = await cozy.files.updateById(text._id, 'hello again', {
    contentType: 'text/plain',
    ifMatch: text._rev,
  })
  assert.deepEqual([updated._id, updated.attributes.size], [text._id, '11'])
  await assert.rejects(cozy.files.updateById(text._id, 'late', { contentType: 'text/plain', ifMatch: text._rev }), {
    status: 412,
  })
  await assert.rejects(cozy.files.create('hello', { name: 'wrong.txt', dirID, checksum: md5('other') }), {
    status: 412,
  })
})

test('files: stat, list, rename, move', async () => {
  const { _id: dirID } = await cozy.files.createDirectoryByPath('/List')
  for (let n = 0; n < 35; n++) await cozy.files.create(`${n}`, { name: `n${n}.txt`, dirID })
  const dir = await cozy.files.statById(dirID, false)
  assert.equal(dir.relations('contents').length, 30)
  const rest = await cozy.files.statById(dirID, false, { skip: 30, limit: 30 })
  assert.equal(rest.relations('contents').length, 5)

  const file = await cozy.files.statByPath('/List/n7.txt')
  await assert.rejects(cozy.files.statByPath('/List/nobody'), { status: 404 })
  const moved = await cozy.files.updateAttributesById(file._id, { name: 'seven.txt', dir_id: ROOT })
  assert.deepEqual([moved.attributes.name, moved.attributes.dir_id], ['seven.txt', ROOT])
  const tagged = await cozy.files.updateAttributesByPath('/seven.txt', { tags: ['x'] })
  assert.deepEqual(tagged.attributes.tags, ['x'])
})

test('files: query by an index', async () => {
  const { _id: dirID } = await cozy.files.createDirectoryByPath('/Query')
  for (const name of ['b.pdf', 'a.pdf', 'c.txt']) await cozy.files.create(name, { name, dirID })
  const index = await cozy.data.defineIndex('io.cozy.files', ['dir_id', 'name'])
  // Without `wholeResponse` the client looks for `docs`, which an answer of JSON:API does not have.
  const { data, meta } = await cozy.files.query(index, {
    selector: { dir_id: dirID, name: { $lt: 'c' } },
    wholeResponse: true,
  })
  assert.equal(meta.count, 2)
  assert.deepEqual(
    data.map((file: { attributes: { name: string } }) => file.attributes.name),
    ['a.pdf', 'b.pdf'],
  )
})

test('files: trash, restore, destroy', async () => {
  const { _id: dirID } = await cozy.files.createDirectoryByPath('/Trashed')
  const file = await cozy.files.create('x', { name: 'x.txt', dirID })
  const trashed = await cozy.files.trashById(file._id)
  assert.equal(trashed.attributes.trashed, true)
  const listed: { _id: string }[] = await cozy.files.listTrash()
  assert.ok(listed.some(({ _id }) => _id === file._id))
  const restored = await cozy.files.restoreById(file._id)
  assert.deepEqual([restored.attributes.trashed, restored.attributes.dir_id], [false, dirID])

  await cozy.files.trashById(file._id)
  await cozy.files.destroyById(file._id)
  await assert.rejects(cozy.files.statById(file._id, false), { status: 404 })
  await cozy.files.trashById((await cozy.files.create('y', { name: 'y.txt', dirID }))._id)
  await cozy.files.clearTrash()
  assert.deepEqual(await cozy.files.listTrash(), [])
})

test('files: links to a file and to an archive', async () => {
  const { _id: dirID } = await cozy.files.createDirectoryByPath('/Links')
  const file = await cozy.files.create('linked', { name: 'x.txt', dirID })
  const byId = await cozy.files.getDownloadLinkById(file._id)
  assert.equal(await (await fetch(stack.url + byId)).text(), 'linked')
  const byPath = await cozy.files.getDownloadLinkByPath('/Links/x.txt')
  assert.equal(await (await fetch(stack.url + byPath)).text(), 'linked')
  for (const archive of [
    await cozy.files.getArchiveLinkByIds([file._id], 'two'),
    await cozy.files.getArchiveLinkByPaths(['/Links/x.txt'], 'two'),
  ]) {
    assert.match(archive, /two\.zip$/)
    const zip = Buffer.from(await (await fetch(stack.url + archive)).arrayBuffer())
    assert.equal(zip.subarray(0, 2).toString(), 'PK')
  }
})

test('data: files that a document refers to', async () => {
  const album = await cozy.data.create(ALBUMS, { name: 'Summer' })
  const { _id: dirID } = await cozy.files.createDirectoryByPath('/Referenced')
  const a = await cozy.files.create('a', { name: 'a.txt', dirID })
  const b = await cozy.files.create('b', { name: 'b.txt', dirID })
  const document = { ...album, _type: ALBUMS }
  await cozy.data.addReferencedFiles(document, [a._id, b._id])
  assert.deepEqual((await cozy.data.listReferencedFiles(document)).toSorted(), [a._id, b._id].toSorted())
  const fetched = await cozy.data.fetchReferencedFiles(document, { limit: 1 }, 'id')
  assert.deepEqual([fetched.included.length, fetched.meta.count], [1, 2])
  await cozy.data.removeReferencedFiles(document, [a._id])
  assert.deepEqual(await cozy.data.listReferencedFiles(document), [b._id])
})

test('settings: instance, disk usage, clients', async () => {
  const usage = await cozy.settings.diskUsage()
  assert.match(usage.attributes.used, /^\d+$/)
  const instance = await cozy.settings.getInstance()
  assert.equal(instance.attributes.locale, 'en')
  const renamed = { meta: { rev: instance._rev }, attributes: { ...instance.attributes, public_name: 'Alice A.' } }
  const updated = await cozy.settings.updateInstance({ data: renamed })
  assert.equal(updated.attributes.public_name, 'Alice A.')
  assert.notEqual(updated._rev, instance._rev)
  await assert.rejects(cozy.settings.updateInstance({ data: renamed }), { status: 409 })
  assert.ok(Array.isArray(await cozy.settings.getClients()))
})

test('auth: registers, is let in, refreshes, is revoked', async () => {
  const scopes = [BOOKS, 'io.cozy.oauth.clients']
  const storage = new MemoryStorage()
  const withOAuth = new Client({
    cozyURL: stack.url,
    oauth: {
      storage,
      clientParams: {
        scopes,
        redirectURI: 'http://localhost:3333/do_access',
        softwareID: 'github.com/konnectory/acceptance',
        clientName: 'Old reader',
      },
      async onRegistered(_client: object, url: string) {
        const browser = new Browser()
        const consent = await browser.signIn(await browser.open(url), PASSPHRASE)
        return (await browser.submit(consent)).url
      },
    },
  })
  const { client, token } = await withOAuth.authorize()
  assert.ok(client.clientID && client.clientSecret && client.registrationAccessToken)
  assert.equal(token.scope, scopes.join(' '))
  const book = await withOAuth.data.create(BOOKS, { title: 'mine' })

  const known = await withOAuth.auth.getClient(client)
  assert.equal(known.clientID, client.clientID)

  const expired = await stack.tokenOf({
    Audience: 'access',
    Subject: client.clientID,
    Scope: token.scope,
    Expire: '1ms',
  })
  token.accessToken = expired
  assert.equal((await withOAuth.data.find(BOOKS, book._id)).title, 'mine')
  assert.notEqual((await withOAuth.authorize()).token.accessToken, expired)

  await cozy.settings.deleteClientById(client.clientID)
  await assert.rejects(withOAuth.data.find(BOOKS, book._id))
  await assert.rejects(withOAuth.auth.getClient(client), /Client has been revoked/)
})
