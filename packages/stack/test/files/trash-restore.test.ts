import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { DirectoryEntry, FileEntry } from '../../src/rooms/files/record.ts'
import { openWriteHouse } from './write-house.ts'

const house = await openWriteHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, upload, mkdir, patch, root, stored } = house

const TRASH = 'io.cozy.files.trash-dir'
const trash = (id: string, request = {}) => ask(`/files/${id}`, { method: 'DELETE', ...request })
const restore = (id: string, request = {}) => ask(`/files/trash/${id}`, { method: 'POST', ...request })
const destroy = (id: string, request = {}) => ask(`/files/trash/${id}`, { method: 'DELETE', ...request })
const at = async (path: string) => (await ask(`/files/metadata?Path=${encodeURIComponent(path)}`)).json.data

test('a file goes to the trash and back', async () => {
  const folder = await mkdir('/bills')
  const file = await upload(folder.id, 'a.pdf')
  const { status, json } = await trash(file.id)
  assert.equal(status, 200)
  const { attributes } = json.data
  assert.deepEqual(
    [attributes.dir_id, attributes.trashed, attributes.restore_path, attributes.name],
    [TRASH, true, '/bills', 'a.pdf'],
  )
  assert.match(attributes.cozyMetadata.trashedAt, /^\d{4}-/)
  assert.deepEqual(attributes.cozyMetadata.trashedBy, {
    kind: 'member',
    displayName: 'ALICE',
    domain: 'alice.localhost',
  })
  assert.equal((await trash(file.id)).status, 400)
  const back = await restore(file.id)
  assert.equal(back.status, 200)
  const restored = back.json.data.attributes
  assert.deepEqual([restored.dir_id, restored.trashed, restored.name], [folder.id, false, 'a.pdf'])
  for (const name of ['restore_path']) assert.ok(!(name in restored))
  for (const name of ['trashedAt', 'trashedBy']) assert.ok(!(name in restored.cozyMetadata))
  const again = await restore(file.id)
  assert.equal(again.status, 400)
  assert.equal(again.json.errors[0].detail, 'File or directory is not in the trash')
})

test('PATCH move_to_trash does the same; If-Match and rev are heeded', async () => {
  const file = await upload(root, 'b.pdf')
  assert.equal((await trash(file.id, { headers: { 'if-match': '1-00' } })).status, 412)
  assert.equal((await ask(`/files/${file.id}?rev=1-00`, { method: 'DELETE' })).status, 412)
  const { json } = await patch(file.id, { move_to_trash: true }, { headers: { 'if-match': file.meta.rev } })
  assert.equal(json.data.attributes.trashed, true)
  assert.equal((await patch(file.id, { name: 'x' })).status, 400)
  const moved = await patch(file.id, { dir_id: root })
  assert.equal(moved.status, 400)
  assert.equal(moved.json.errors[0].detail, 'File or directory is already in the trash')
  assert.equal((await patch(file.id, { tags: ['kept'] })).status, 200)
})

test('a directory takes its files along; each of them is told of', async () => {
  const deep = await mkdir('/dir/sub/deep')
  const file = await upload(deep.id, 'x.txt')
  const top = await at('/dir')
  using told = house.subscribe()
  const { json } = await trash(top.id)
  assert.equal(json.data.attributes.path, '/.cozy_trash/dir')
  assert.ok(!('trashed' in json.data.attributes))
  assert.equal(((await stored(deep.id)) as DirectoryEntry).path, '/.cozy_trash/dir/sub/deep')
  const below = (await stored(file.id)) as FileEntry
  assert.deepEqual([below.trashed, below.dir_id, below.restore_path], [true, deep.id, undefined])
  assert.deepEqual(
    told.events.map(({ verb, id }) => [verb, id]),
    [
      ['UPDATED', top.id],
      ['UPDATED', (await stored(deep.id))!.dir_id],
      ['UPDATED', deep.id],
      ['UPDATED', file.id],
    ].sort((a, b) => told.events.findIndex(e => e.id === a[1]) - told.events.findIndex(e => e.id === b[1])),
  )
  assert.equal((await ask('/files/metadata?Path=/dir')).status, 404)
  await restore(top.id)
  assert.equal((await at('/dir/sub/deep/x.txt')).attributes.trashed, false)
})

test('a file of a trashed directory comes back alone, to its place in directories made again', async () => {
  const deep = await mkdir('/album/2024/may')
  const file = await upload(deep.id, 'photo.jpg')
  const other = await upload(deep.id, 'other.jpg')
  const top = await at('/album')
  await trash(top.id)
  assert.equal((await trash(file.id)).status, 400)
  assert.equal((await restore(file.id)).status, 200)
  assert.equal((await at('/album/2024/may/photo.jpg')).id, file.id)
  assert.notEqual((await at('/album')).id, top.id)
  // The rest finds its old name taken.
  const { json } = await restore(top.id)
  assert.equal(json.data.attributes.path, '/album (2)')
  assert.equal((await at('/album (2)/2024/may/other.jpg')).id, other.id)
})

test('names taken in the trash get a mark, which goes on the way back; only our mark', async () => {
  const [first, second] = [
    await upload(root, 'same.pdf', '1'),
    await upload(await mkdir('/s').then(d => d.id), 'same.pdf', '2'),
  ]
  await trash(first.id)
  const { name } = (await trash(second.id)).json.data.attributes
  assert.match(name, /^same \(t-[0-9a-f]{12}\)\.pdf$/)
  assert.equal((await restore(second.id)).json.data.attributes.name, 'same.pdf')
  await upload(root, 'same.pdf', '3')
  assert.equal((await restore(first.id)).json.data.attributes.name, 'same (2).pdf')
  const phone = await mkdir('/me (0612345678)')
  await trash(phone.id)
  assert.equal((await restore(phone.id)).json.data.attributes.path, '/me (0612345678)')
})

test('a file in the way of the old place: as deep as it goes', async () => {
  const folder = await mkdir('/a/b')
  const file = await upload(folder.id, 'x.txt')
  await trash(file.id)
  await patch(folder.id, { permanent_delete: true })
  const a = await at('/a')
  await upload(a.id, 'b')
  const { json } = await restore(file.id)
  assert.equal(json.data.attributes.dir_id, a.id)
})

test('a page of the trash', async () => {
  for (const name of ['p1', 'p2']) await trash((await upload(root, name)).id)
  const { json } = await ask('/files/trash?page[limit]=1')
  assert.equal(json.data.length, 1)
  assert.ok(json.links.next)
})

describe('gone for good', () => {
  test('only what is in the trash, which upstream does not look at', async () => {
    const file = await upload(root, 'precious.txt')
    const answer = await destroy(file.id)
    assert.equal(answer.status, 400)
    assert.ok(await stored(file.id))
    assert.equal((await destroy(TRASH)).status, 403)
    assert.equal((await destroy(root)).status, 400)
    assert.equal((await destroy('nowhere')).status, 404)
  })

  test('one item with its content, and what lies in a trashed directory', async () => {
    const folder = await mkdir('/gone')
    const [one, two] = [await upload(folder.id, '1'), await upload(folder.id, '2')]
    await trash(folder.id)
    const blobs = house.blobFiles().length
    const { status, text } = await destroy(one.id)
    assert.deepEqual([status, text], [204, ''])
    assert.equal(await stored(one.id), undefined)
    assert.equal((await destroy(folder.id)).status, 204)
    assert.equal(await stored(two.id), undefined)
    await house.files.settled()
    assert.equal(house.blobFiles().length, blobs - 2)
  })

  test('the whole trash', async () => {
    for (let i = 0; i < 3; i++) await trash((await upload(root, `t${i}`)).id)
    assert.equal(
      (await ask('/files/trash', { method: 'DELETE', scope: `io.cozy.files:GET,POST,PUT,PATCH` })).status,
      403,
    )
    assert.equal((await ask('/files/trash', { method: 'DELETE', scope: `io.cozy.files:DELETE:${TRASH}` })).status, 204)
    assert.deepEqual((await ask('/files/trash')).json.data, [])
    assert.ok(await stored(TRASH))
  })

  test('after a delay, what went there earlier', async () => {
    const [old, fresh] = [await upload(root, 'old'), await upload(root, 'fresh')]
    await trash(old.id)
    house.advance(31 * 86_400_000)
    await trash(fresh.id)
    await house.files.housekeeping({ trashDays: 30 })
    assert.equal(await stored(old.id), undefined)
    assert.ok(await stored(fresh.id))
  })
})

test('each step asks for its verb', async () => {
  const file = await upload(root, 'verbs.txt')
  const only = (verbs: string) => ({ scope: `io.cozy.files:${verbs}:${file.id}` })
  assert.equal((await trash(file.id, only('GET,POST,PUT,DELETE'))).status, 403)
  assert.equal((await trash(file.id, only('PATCH'))).status, 200)
  assert.equal((await restore(file.id, only('GET,POST,PUT,DELETE'))).status, 403)
  assert.equal((await destroy(file.id, only('GET,POST,PUT,PATCH'))).status, 403)
  assert.equal((await restore(file.id, only('PATCH'))).status, 200)
  await trash(file.id)
  assert.equal((await destroy(file.id, only('DELETE'))).status, 204)
})

test('a branch of a thousand files is trashed and destroyed whole', async () => {
  const folder = await mkdir('/many')
  const one = (await stored((await upload(folder.id, 'model')).id)) as FileEntry
  const { _id, _rev, ...record } = one
  const edits = Array.from({ length: 1200 }, (_, index) => ({ body: { ...record, name: `f${index}` } }))
  await house.ground.documents.of(house.alice).write('io.cozy.files', edits)
  await trash(folder.id)
  const trashed = async () => {
    const { rows } = await house.database.driver.query(
      `select count(*) from docs_files where doc ->> 'dir_id' = $1 and not deleted and (doc ->> 'trashed')::boolean`,
      [folder.id],
    )
    return Number(rows[0].count)
  }
  assert.equal(await trashed(), 1201)
  await destroy(folder.id)
  assert.equal(await trashed(), 0)
  await house.files.settled()
  await assert.rejects(house.ground.blobs.open(house.alice.id, one.internal_blob))
})
