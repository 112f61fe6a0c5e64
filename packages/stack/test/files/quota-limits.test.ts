import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { openWriteHouse, type TestOwner } from './write-house.ts'

const house = await openWriteHouse({ maxFileBytes: 5000 })
after(() => house[Symbol.asyncDispose]())
const { ask, root } = house

let number = 0
let tenant: TestOwner
beforeEach(async () => {
  tenant = await house.addOwner(`owner${++number}`)
  tenant.quotaBytes = 1000
})
const upload = (name: string, bytes: number, request = {}) =>
  ask(`/files/${root}?Type=file&Name=${name}`, { method: 'POST', body: Buffer.alloc(bytes, 1), tenant, ...request })
/** Random bytes: another content each time. */
const overwrite = (id: string, bytes: number) =>
  ask(`/files/${id}`, { method: 'PUT', body: Buffer.alloc(bytes, ++number), tenant })
const chunked = async (name: string, bytes: number) => {
  const { sending, answer } = house.slowUpload(`/files/${root}?Type=file&Name=${name}`, {
    tenant,
    headers: { 'transfer-encoding': 'chunked' },
  })
  sending.end(Buffer.alloc(bytes))
  return (await answer) as { status: number; json: { errors: { detail: string }[] } }
}
const TOO_BIG = 'The file is too big and exceeds the disk quota'
const used = () => house.usage(tenant)

test('what does not fit is refused before it is read, or while it comes in; nothing is left', async () => {
  const before = house.blobFiles()
  const { sending, answer } = house.slowUpload(`/files/${root}?Type=file&Name=announced`, {
    tenant,
    headers: { 'content-length': '1001' },
  })
  sending.write('only the beginning')
  const refused = (await answer) as { status: number; json: { errors: object[] } }
  sending.destroy()
  assert.equal(refused.status, 413)
  assert.deepEqual(refused.json.errors, [
    { status: '413', title: 'Request Entity Too Large', detail: TOO_BIG, source: {} },
  ])
  const flowing = await chunked('flowing', 4000)
  assert.equal(flowing.status, 413)
  assert.equal(flowing.json.errors[0]!.detail, TOO_BIG)
  assert.deepEqual(house.blobFiles(), before)
  assert.deepEqual(await used(), { files: 0, versions: 0 })
  assert.equal((await upload('fits', 1000)).status, 201)
  assert.deepEqual(await used(), { files: 1000, versions: 0 })
  assert.equal((await upload('one-more', 1)).status, 413)
  assert.equal((await upload('empty', 0)).status, 201)
})

test('the maximum of one file', async () => {
  tenant.quotaBytes = undefined
  assert.equal((await upload('big', 5000)).status, 201)
  for (const { status, json } of [await upload('bigger', 5001), await chunked('flowing', 5001)]) {
    assert.equal(status, 413)
    assert.equal(json.errors[0]!.detail, 'The file is too big and exceeds the filesystem maximum file size')
  }
})

test('what is trashed counts; what is destroyed does not; copies count', async () => {
  const { id } = (await upload('a', 600)).json.data
  await ask(`/files/${id}`, { method: 'DELETE', tenant })
  assert.equal((await used()).files, 600)
  assert.equal((await upload('b', 600)).status, 413)
  assert.equal((await ask(`/files/${id}/copy?DirID=${root}`, { method: 'POST', tenant })).status, 413)
  await ask(`/files/trash/${id}`, { method: 'DELETE', tenant })
  assert.deepEqual(await used(), { files: 0, versions: 0 })
  assert.equal((await upload('b', 500)).status, 201)
  const { data } = (await ask('/files/metadata?Path=/b', { tenant })).json
  assert.equal((await ask(`/files/${data.id}/copy`, { method: 'POST', tenant })).status, 201)
  assert.equal((await used()).files, 1000)
})

test('old versions count, and go first: untagged before tagged, old before new', async () => {
  const [a, b] = [(await upload('a', 200)).json.data, (await upload('b', 200)).json.data]
  await overwrite(a.id, 201)
  house.advance(1000)
  await overwrite(b.id, 202)
  assert.deepEqual(await used(), { files: 403, versions: 400 })
  await ask(`/files/${a.id}/1`, { method: 'PATCH', body: { data: { attributes: { tags: ['keep'] } } }, tenant })
  assert.equal((await upload('c', 300)).status, 201)
  assert.deepEqual(await used(), { files: 703, versions: 200 })
  assert.equal((await house.versions(a.id, tenant)).length, 1, 'the tagged one is still there')
  assert.equal((await upload('d', 297)).status, 201)
  assert.deepEqual(await used(), { files: 1000, versions: 0 })
  assert.equal((await upload('e', 1)).status, 413)
})

test('an overwrite gives its own old content up when both do not fit', async () => {
  const { id } = (await upload('a', 600)).json.data
  assert.equal((await overwrite(id, 700)).status, 200)
  assert.deepEqual(await used(), { files: 700, versions: 0 })
  assert.equal((await overwrite(id, 1001)).status, 413)
  assert.equal((await overwrite(id, 300)).status, 200)
  assert.deepEqual(await used(), { files: 300, versions: 700 })
})

test('a lowered quota: what does not grow still works', async () => {
  const { id } = (await upload('a', 900)).json.data
  tenant.quotaBytes = 500
  assert.equal((await overwrite(id, 800)).status, 200)
  assert.equal((await overwrite(id, 801)).status, 413)
  assert.equal(
    (await ask(`/files/${id}`, { method: 'PATCH', body: { data: { attributes: { name: 'b' } } }, tenant })).status,
    200,
  )
  assert.deepEqual(await used(), { files: 800, versions: 0 })
})

test('many uploads at once never get over it together', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => upload(`p${index}`, 150)))
  const statuses = answers.map(({ status }) => status)
  assert.equal(statuses.filter(status => status === 201).length, 6)
  assert.equal(statuses.filter(status => status === 413).length, 6)
  assert.deepEqual(await used(), { files: 900, versions: 0 })
  const list = (await ask(`/files/${root}?page[limit]=100`, { tenant })).json.included
  assert.equal(list.filter((item: { attributes: { type: string } }) => item.attributes.type === 'file').length, 6)
})
