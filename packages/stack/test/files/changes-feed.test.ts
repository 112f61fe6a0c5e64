import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Entry, FILES } from '../../src/rooms/files/record.ts'
import { openReadingHouse } from './reading-house.ts'

const house = await openReadingHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, directory, file, root } = house
const documents = house.ground.documents.of(house.alice)

interface Row {
  id: string
  seq: string
  deleted?: boolean
  changes: { rev: string }[]
  doc?: Record<string, unknown>
}
interface Feed {
  last_seq: string
  pending: number
  results: Row[]
}
const feed = async (query = '', scope?: string) => {
  const answer = await ask(`/files/_changes?${query}`, scope === undefined ? {} : { scope })
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.headers['content-type'] as string, /^application\/json/)
  return answer.json as Feed
}
const now = async () => (await feed('since=now')).last_seq
const remove = (entry: Entry) => documents.remove(FILES, entry._id, entry._rev)

test('changes in their order, each document once, with its last revision', async () => {
  const since = await now()
  const folder = await directory(root, 'changes')
  const made = await file(folder, 'a.pdf')
  const changed = await documents.update(FILES, made._id, made._rev, {
    ...(await documents.get(FILES, made._id))?.body,
    executable: true,
  })
  const gone = await file(folder, 'gone.pdf')
  const tombstone = await remove(gone)
  const { results, last_seq, pending } = await feed(`since=${since}`)
  assert.deepEqual(
    results.map(({ seq, ...row }) => row),
    [
      { id: folder._id, changes: [{ rev: folder._rev }] },
      { id: made._id, changes: [{ rev: changed.rev }] },
      { id: gone._id, changes: [{ rev: tombstone.rev }], deleted: true },
    ],
  )
  assert.deepEqual([last_seq, pending], [results.at(-1)?.seq, 0])
  assert.deepEqual(await feed(`since=${last_seq}`), { last_seq, pending: 0, results: [] })
  assert.equal((await feed('since=0')).results.length, (await feed()).results.length)
})

test('it has the positions of /data/io.cozy.files/_changes', async () => {
  await file(root, 'both feeds.pdf')
  const [ours, data] = [await feed(), (await ask(`/data/${FILES}/_changes`)).json as Feed]
  assert.equal(ours.last_seq, data.last_seq)
  assert.deepEqual(
    ours.results.map(({ id, seq }) => [id, seq]),
    data.results.map(({ id, seq }) => [id, seq]),
  )
})

test('pages: pending says how many are left', async () => {
  const since = await now()
  for (const name of ['1', '2', '3', '4', '5']) await file(root, `page ${name}`)
  const seen: string[] = []
  const pendings: number[] = []
  for (let at = since; ; ) {
    const { results, last_seq, pending } = await feed(`since=${at}&limit=2`)
    seen.push(...results.map(({ id }) => id))
    pendings.push(pending)
    at = last_seq
    if (pending === 0) break
  }
  assert.deepEqual([seen.length, new Set(seen).size, pendings], [5, 5, [3, 1, 0]])
})

test('with documents: as stored, without what is ours; with paths and fields where asked', async () => {
  const since = await now()
  const folder = await directory(root, 'with docs')
  const made = await file(folder, 'doc.pdf', 'x', {
    metadata: { datetime: '2026', other: 1 },
    referenced_by: [{ type: 'a', id: 'b' }],
  })
  const of = async (query: string) => (await feed(`since=${since}&include_docs=true${query}`)).results[1]?.doc
  const whole = await of('')
  assert.deepEqual([whole?._id, whole?._rev, whole?.name, whole?.size], [made._id, made._rev, 'doc.pdf', '1'])
  assert.deepEqual(whole?.referenced_by, [{ type: 'a', id: 'b' }])
  assert.ok(!('internal_blob' in (whole ?? {})) && !('path' in (whole ?? {})))
  assert.equal((await of('&include_file_path=true'))?.path, '/with docs/doc.pdf')
  const head = { _id: made._id, _rev: made._rev }
  assert.deepEqual(await of('&fields=name,metadata.datetime'), {
    ...head,
    name: 'doc.pdf',
    metadata: { datetime: '2026' },
  })
  assert.deepEqual(await of('&fields=name&include_file_path=true'), {
    ...head,
    name: 'doc.pdf',
    path: '/with docs/doc.pdf',
  })
  assert.deepEqual(await of('&fields=internal_blob'), head)
  const gone = await remove(made)
  assert.deepEqual(await of(''), { _id: made._id, _rev: gone.rev, _deleted: true })
})

test('deleted and trashed ones are left out where asked, and counted as seen', async () => {
  const since = await now()
  await remove(await file(root, 'deleted.pdf'))
  const trashed = await file(house.trash, 'trashed.pdf', 'x', { trashed: true })
  const folder = await directory(house.trash, 'trashed folder')
  const kept = await file(root, 'kept.pdf')
  const gone = await file(root, 'last.pdf')
  await remove(gone)
  const ids = async (query: string) => (await feed(`since=${since}&${query}`)).results.map(({ id }) => id)
  assert.deepEqual(await ids('skip_deleted=true'), [trashed._id, folder._id, kept._id])
  assert.deepEqual(await ids('include_docs=true&skip_trashed=true&skip_deleted=true'), [kept._id])
  assert.equal((await ids('include_docs=true&skip_trashed=true')).length, 3)
  assert.equal((await feed(`since=${since}&skip_deleted=true`)).last_seq, await now())
})

test('directories that the asking client does not synchronise look deleted to it', async () => {
  const since = await now()
  const folder = await directory(root, 'not here', {
    not_synchronized_on: [{ type: 'io.cozy.oauth.clients', id: 'desk' }],
  })
  const rowFor = async (client: string, more = '') =>
    (await feed(`since=${since}&include_docs=true${more}`, `io.cozy.files:GET client=${client}`)).results[0]
  assert.equal((await rowFor('other'))?.deleted, undefined)
  const row = await rowFor('desk')
  assert.deepEqual([row?.deleted, row?.doc], [true, { _id: folder._id, _rev: folder._rev, _deleted: true }])
  assert.equal(await rowFor('desk', '&skip_deleted=true'), undefined)
})

test('positions from elsewhere start over; what is no parameter is a 400', async () => {
  const all = (await feed()).results.length
  assert.equal((await feed('since=3-otherlife')).results.length, all)
  assert.equal((await feed('since=99999999')).results.length, all)
  assert.equal((await feed('limit=0')).results.length, all)
  assert.equal((await feed('limit=1000000')).results.length, all)
  for (const query of [
    'since=x',
    'since=-1',
    'limit=x',
    'limit=-1',
    'descending=true',
    'feed=longpoll',
    'fields=name',
    'include_file_path=true',
    'skip_trashed=true',
    'include_docs=false&fields=name',
  ]) {
    assert.equal((await ask(`/files/_changes?${query}`)).status, 400, query)
  }
})
