import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { startStack } from '../help/stack.ts'
import { published } from './published.ts'

const { default: CozyClient, Q, models } = published('cozy-client')

const FILES = 'io.cozy.files'
const ROOT = 'io.cozy.files.root-dir'
const TRASH = 'io.cozy.files.trash-dir'
const ALBUMS = 'io.cozy.photos.albums'

const stack = await startStack()
after(() => stack[Symbol.asyncDispose]())
const client = new CozyClient({
  uri: stack.url,
  token: await stack.token([FILES, `${FILES}.versions`, ALBUMS].join(' ')),
})
const files = client.collection(FILES)

interface File {
  _id: string
  _rev: string
  name: string
  size: string
  mime: string
  class: string
  md5sum: string
  path: string
  dir_id: string
  trashed: boolean
  metadata?: object
  // biome-ignore lint/suspicious/noExplicitAny: of the API
  [member: string]: any
}

const md5 = (content: string | Uint8Array) => createHash('md5').update(content).digest('base64')
const folder = async (path: string): Promise<string> => (await files.createDirectoryByPath(path)).data._id
const put = async (dirId: string, name: string, content: string | Uint8Array = name): Promise<File> =>
  (await files.createFile(content, { name, dirId })).data
const contentOf = async (id: string) => Buffer.from(await (await files.fetchFileContentById(id)).arrayBuffer())
const names = (list: File[]) => list.map(({ name }) => name)
const values = (list: File[], member: string) => list.map(document => document[member])
const refusedWith = (status: number) => (error: { status: number; reason: { errors: { status: string }[] } }) =>
  error.status === status && error.reason.errors[0]?.status === String(status)

test('makes folders by path, once', async () => {
  const made = await files.createDirectoryByPath('/Administrative/Acme/me@mail.net')
  assert.equal(made.data.attributes.path, '/Administrative/Acme/me@mail.net')
  const again = await files.createDirectoryByPath('/Administrative/Acme/me@mail.net')
  assert.equal(again.data._id, made.data._id)
  assert.equal(await files.ensureDirectoryExists('/Administrative/Acme/me@mail.net'), made.data._id)
  assert.equal((await files.createDirectoryByPath('/')).data._id, ROOT)

  const side = await Promise.allSettled(
    ['a', 'b', 'c'].map(() => client.collection(FILES).createDirectoryByPath('/Race/x')),
  )
  const { data } = await files.statByPath('/Race/x')
  for (const result of side) if (result.status === 'fulfilled') assert.equal(result.value.data._id, data._id)
})

test('uploads a text, bytes, and a stream of unknown length', async t => {
  const dirId = await folder('/Uploads')
  const text = await put(dirId, 'a.txt', 'hello wörld')
  assert.deepEqual(
    [text.size, text.mime, text.class, text.md5sum, text.trashed, text.dir_id],
    ['12', 'text/plain', 'text', md5('hello wörld'), false, dirId],
  )
  const bytes = randomBytes(300_000)
  const pdf = await put(dirId, 'b.pdf', new Uint8Array(bytes))
  assert.deepEqual([pdf.size, pdf.mime, pdf.class, pdf.md5sum], ['300000', 'application/pdf', 'pdf', md5(bytes)])

  // Konnectors send streams by node-fetch; Node's own fetch wants an option (`duplex`) that the client does not know.
  const ownFetch = globalThis.fetch
  t.after(() => {
    globalThis.fetch = ownFetch
  })
  globalThis.fetch = published('node-fetch')
  const big = randomBytes(3_000_000)
  const streamed = await files.createFile(Readable.from([big.subarray(0, 1_000_000), big.subarray(1_000_000)]), {
    name: '2025-03_facture.pdf',
    dirId,
    metadata: { fileIdAttributes: 'acme####2025-03', contentAuthor: 'acme' },
    sourceAccount: 'acc001',
    sourceAccountIdentifier: 'me@mail.net',
    lastModifiedDate: '2025-03-04T10:00:00.000Z',
  })
  const { data } = streamed
  assert.deepEqual([data.size, data.mime, data.md5sum], ['3000000', 'application/pdf', md5(big)])
  assert.equal(data.metadata.fileIdAttributes, 'acme####2025-03')
  assert.deepEqual(
    [data.cozyMetadata.sourceAccount, data.cozyMetadata.sourceAccountIdentifier],
    ['acc001', 'me@mail.net'],
  )
  assert.equal(new Date(data.created_at).toISOString(), '2025-03-04T10:00:00.000Z')
  globalThis.fetch = ownFetch
  assert.deepEqual(await contentOf(data._id), big)
})

test('what is announced must arrive', async () => {
  const dirId = await folder('/Announced')
  await assert.rejects(
    files.createFile('content', { name: 'wrong.txt', dirId, checksum: md5('something else') }),
    refusedWith(412),
  )
  await assert.rejects(files.statByPath('/Announced/wrong.txt'), refusedWith(404))
  const { data } = await files.createFile('content', { name: 'right.txt', dirId, checksum: md5('content') })
  assert.equal(data.md5sum, md5('content'))
})

test('a name that is taken is a conflict; the client overwrites or renames', async () => {
  const dirId = await folder('/Conflicts')
  const first = await put(dirId, 'bill.txt', 'one')
  await assert.rejects(put(dirId, 'bill.txt', 'two'), refusedWith(409))
  await assert.rejects(files.createDirectory({ name: 'bill.txt', dirId }), refusedWith(409))

  const erased = await models.file.uploadFileWithConflictStrategy(client, 'two', {
    name: 'bill.txt',
    dirId,
    conflictStrategy: 'erase',
  })
  assert.deepEqual([erased.data._id, erased.data.md5sum], [first._id, md5('two')])
  const renamed = await models.file.uploadFileWithConflictStrategy(client, 'three', {
    name: 'bill.txt',
    dirId,
    conflictStrategy: 'rename',
  })
  assert.notEqual(renamed.data._id, first._id)
  assert.match(renamed.data.name, /^bill.+\.txt$/)
})

test('new content replaces the old and keeps it as a version', async () => {
  const dirId = await folder('/Versions')
  const { data: made } = await files.createFile('one', { name: 'a.txt', dirId, metadata: { label: 'first' } })
  const { data: updated } = await files.updateFile('two two', { fileId: made._id, name: 'a.txt' })
  assert.deepEqual([updated._id, updated.size, updated.name, updated.metadata], [made._id, '7', 'a.txt', undefined])
  assert.equal((await contentOf(made._id)).toString(), 'two two')

  await assert.rejects(
    files.updateFile('x', { fileId: made._id, name: 'a.txt' }, { ifMatch: made._rev }),
    refusedWith(412),
  )
  const version = updated.relationships.old_versions.data[0]
  const link = await files.getDownloadLinkByRevision(version.id, 'old.txt')
  assert.equal(await (await fetch(link)).text(), 'one')
})

test('finds a file by id and by path, a folder with its content', async () => {
  const dirId = await folder('/Stat/inner')
  const made = await put(dirId, 'a & b?#é%.txt', 'x')
  const { data: byId } = await files.statById(made._id)
  const { data: byPath } = await files.statByPath('/Stat/inner/a & b?#é%.txt')
  assert.deepEqual([byId._id, byPath._id], [made._id, made._id])
  await assert.rejects(files.statByPath('/Stat/nobody'), refusedWith(404))
  await assert.rejects(files.statById('nobody'), refusedWith(404))

  await Promise.all(Array.from({ length: 34 }, (_, n) => put(dirId, `n${String(n).padStart(2, '0')}`)))
  const first = await files.statById(dirId)
  assert.equal(first.included.length, 30)
  const next = new URL(first.links.next, stack.url).searchParams
  const rest = await files.statById(dirId, { 'page[cursor]': next.get('page[cursor]'), 'page[limit]': 30 })
  assert.deepEqual(names([...first.included, ...rest.included]), names(first.included.concat(rest.included)).toSorted())
  assert.equal(first.included.length + rest.included.length, 35)
  assert.equal((await files.statById(dirId, { 'page[limit]': 100, 'page[skip]': 30 })).included.length, 5)

  assert.equal(await files.isChildOf({ _id: dirId }, { _id: (await files.statByPath('/Stat')).data._id }), true)
})

test('find: indexes, bookmarks and everything by queryAll', async () => {
  const dirId = await folder('/Find')
  await Promise.all(Array.from({ length: 25 }, (_, n) => put(dirId, `find-${n}.txt`)))
  const query = () =>
    Q(FILES)
      .where({ dir_id: dirId, type: 'file' })
      .indexFields(['dir_id', 'type', 'name'])
      .sortBy([{ dir_id: 'asc' }, { type: 'asc' }, { name: 'asc' }])
  const { data, next, bookmark } = await client.query(query().limitBy(10))
  assert.deepEqual([data.length, next, data[0].name], [10, true, 'find-0.txt'])
  assert.equal(data[0].path, '/Find/find-0.txt')
  const second = await client.query(query().limitBy(10).offsetBookmark(bookmark))
  assert.equal(second.data.length, 10)
  assert.equal((await client.query(query().limitBy(10).offset(20))).data.length, 5)

  const all: File[] = await client.queryAll(query().limitBy(5))
  assert.deepEqual(names(all), Array.from({ length: 25 }, (_, n) => `find-${n}.txt`).toSorted())
  const partial = await client.query(
    Q(FILES)
      .where({ dir_id: dirId })
      .partialIndex({ trashed: false, name: { $gt: 'find-22.txt' } })
      .indexFields(['dir_id']),
  )
  assert.deepEqual(names(partial.data).toSorted(), [
    'find-23.txt',
    'find-24.txt',
    'find-3.txt',
    'find-4.txt',
    'find-5.txt',
    'find-6.txt',
    'find-7.txt',
    'find-8.txt',
    'find-9.txt',
  ])
  const selected = await client.query(query().select(['dir_id', 'type', 'name', 'path']).limitBy(1))
  assert.deepEqual([selected.data[0].name, selected.data[0].path], ['find-0.txt', '/Find/find-0.txt'])
})

test('renames, tags, moves', async () => {
  const from = await folder('/Move/from')
  const to = await folder('/Move/to')
  const made = await put(from, 'a.txt')
  const { data: renamed } = await files.updateAttributes(made._id, { name: 'b.pdf', tags: ['bill'] })
  assert.deepEqual([renamed.name, renamed.mime, renamed.tags], ['b.pdf', 'application/pdf', ['bill']])
  await assert.rejects(files.updateAttributes(made._id, { name: 'c.pdf' }, { ifMatch: made._rev }), refusedWith(412))

  const { moved } = await models.file.move(client, renamed, { _id: to })
  assert.equal(moved.dir_id, to)
  const other = await put(from, 'b.pdf')
  await assert.rejects(models.file.move(client, other, { _id: to }), refusedWith(409))
  const forced = await models.file.move(client, other, { _id: to, path: '/Move/to' }, { force: true })
  assert.equal(forced.moved._id, other._id)
  assert.equal((await files.statById(moved._id)).data.trashed, true)

  const { data: dir } = await files.statById(to)
  await assert.rejects(
    files.updateAttributes((await files.statByPath('/Move')).data._id, { dir_id: dir._id }),
    refusedWith(412),
  )
})

test('saves a document of io.cozy.files through the client itself', async () => {
  const dirId = await folder('/Save')
  const made = await put(dirId, 'x.txt')
  const { data: saved } = await client.save({ ...made, name: 'y.txt' })
  assert.equal(saved.name, 'y.txt')
  const { data: metadata } = await files.updateMetadataAttribute(made._id, { label: 'tax' })
  assert.deepEqual(metadata.attributes.metadata.label, 'tax')
})

test('copies', async () => {
  const dirId = await folder('/Copy')
  const made = await put(dirId, 'a.txt', 'content')
  const { data: beside } = await files.copy(made._id)
  assert.match(beside.name, /^a.+\.txt$/)
  const { data: elsewhere } = await files.copy(made._id, 'named.txt', ROOT)
  assert.deepEqual([elsewhere.name, elsewhere.dir_id, elsewhere.md5sum], ['named.txt', ROOT, md5('content')])
})

test('the trash: in, back, out for good', async () => {
  const dirId = await folder('/Trash/inner')
  const made = await put(dirId, 'a.txt')
  const { data: trashed } = await files.destroy(made)
  assert.deepEqual([trashed.dir_id, trashed.trashed, trashed.restore_path], [TRASH, true, '/Trash/inner'])
  const { data: restored } = await files.restore(made._id)
  assert.deepEqual([restored.dir_id, restored.trashed], [dirId, false])

  const { data: dir } = await files.statById(dirId)
  await files.destroy(dir)
  assert.equal((await files.statById(made._id)).data.trashed, true)
  assert.match((await files.statById(dirId)).data.path, /^\/\.cozy_trash\//)
  await files.restore(dirId)
  assert.equal((await files.statByPath('/Trash/inner/a.txt')).data._id, made._id)

  const { data: gone } = await files.deleteFilePermanently(made._id)
  assert.equal(gone._id, made._id)
  await assert.rejects(files.statById(made._id), refusedWith(404))

  const last = await put(dirId, 'last.txt')
  await files.destroy(last)
  await files.emptyTrash()
  await assert.rejects(files.statById(last._id), refusedWith(404))
  assert.deepEqual((await files.statById(TRASH)).included, [])
})

test('links that need no token: one file, an archive', async () => {
  const dirId = await folder('/Links')
  const made = await put(dirId, 'a.txt', 'linked')
  const link = await files.getDownloadLinkById(made._id, 'été 2025.txt')
  const answer = await fetch(`${link}?Dl=1`)
  assert.equal(await answer.text(), 'linked')
  assert.match(answer.headers.get('content-disposition') ?? '', /^attachment;.*%C3%A9t%C3%A9%202025\.txt$/)
  assert.equal(await (await fetch(await files.getDownloadLinkByPath('/Links/a.txt'))).text(), 'linked')

  const other = await put(dirId, 'b.txt', 'other')
  const archive = await files.createArchiveLinkByIds({ ids: [made._id, other._id], name: 'bills' })
  assert.match(archive, /bills\.zip$/)
  const zip = Buffer.from(await (await fetch(stack.url + archive)).arrayBuffer())
  assert.equal(zip.subarray(0, 2).toString(), 'PK')
  assert.ok(zip.includes('a.txt') && zip.includes('b.txt'))
})

test('references, from both sides', async () => {
  const dirId = await folder('/References')
  const album = { _type: ALBUMS, _id: (await client.create(ALBUMS, { name: 'Summer' })).data._id }
  const konnector = { _type: 'io.cozy.konnectors', _id: 'io.cozy.konnectors/acme' }
  const [a, b] = [await put(dirId, 'a.txt'), await put(dirId, 'b.txt')]

  await files.addReferencesTo(album, [a, b])
  const { data } = await files.addReferencedBy(a, [konnector])
  assert.deepEqual(values(data, '_id').toSorted(), [album._id, konnector._id].toSorted())

  const found = await files.findReferencedBy(album, { limit: 1 })
  assert.deepEqual([found.meta.count, found.included.length, found.next], [2, 1, true])
  const ofKonnector = await files.findReferencedBy(konnector)
  assert.deepEqual(names(ofKonnector.included), ['a.txt'])

  await files.removeReferencedBy(a, [konnector])
  assert.deepEqual((await files.findReferencedBy(konnector)).data, [])
  await files.removeReferencesTo(album, [a])
  assert.deepEqual(names((await files.findReferencedBy(album)).included), ['b.txt'])
})

test('the changes of files, with their paths', async () => {
  const { newLastSeq } = await files.fetchChanges({ includeDocs: true }, { includeFilePath: true })
  const dirId = await folder('/Changes')
  const made = await put(dirId, 'a.txt')
  const { results, newLastSeq: then } = await files.fetchChanges(
    { since: newLastSeq, includeDocs: true },
    { includeFilePath: true, skipDeleted: true, skipTrashed: true },
  )
  assert.deepEqual(results.map(({ doc }: { doc: File }) => doc.path).toSorted(), ['/Changes', '/Changes/a.txt'])
  await files.destroy(made)
  const later = await files.fetchChanges({ since: then, includeDocs: true }, { skipTrashed: true })
  assert.deepEqual(later.results, [])
})

test('a token for one folder opens that folder, and no other', async () => {
  const dirId = await folder('/Only/this')
  const other = await folder('/Only/other')
  const secret = await put(other, 'secret.txt')
  const narrow = new CozyClient({ uri: stack.url, token: await stack.token(`${FILES}:ALL:${dirId}`) }).collection(FILES)
  const { data } = await narrow.createFile('mine', { name: 'a.txt', dirId })
  assert.equal((await narrow.statById(data._id)).data.name, 'a.txt')
  await assert.rejects(narrow.statByPath('/Only/other/secret.txt'), { status: 403 })
  await assert.rejects(narrow.createFile('x', { name: 'x.txt', dirId: other }), { status: 403 })
  await assert.rejects(narrow.updateAttributes(data._id, { dir_id: other }), { status: 403 })
  await assert.rejects(narrow.copy(data._id, 'x.txt', other), { status: 403 })
  await assert.rejects(narrow.copy(secret._id, 'x.txt', dirId), { status: 403 })
  await assert.rejects(narrow.addReferencedBy(secret, [{ _type: ALBUMS, _id: 'a' }]), { status: 403 })
})
