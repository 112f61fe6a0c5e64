import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { DirectoryEntry } from '../../src/rooms/files/record.ts'
import { openWriteHouse } from './write-house.ts'

const house = await openWriteHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, upload, mkdir, root, stored } = house

const post = (parameters: string, request = {}) =>
  ask(`/files/?Type=directory&${parameters}`, { method: 'POST', ...request })

test('by name below a directory', async () => {
  const parent = await mkdir('/by-name')
  const { status, json } = await ask(
    `/files/${parent.id}?Type=directory&Name=me%40mail.net&Tags=a,%20b,&CreatedAt=2024-01-01T00:00:00Z&MetadataID=`,
    { method: 'POST' },
  )
  assert.equal(status, 201)
  const { cozyMetadata, ...attributes } = json.data.attributes
  assert.deepEqual(attributes, {
    type: 'directory',
    name: 'me@mail.net',
    dir_id: parent.id,
    path: '/by-name/me@mail.net',
    created_at: '2024-01-01T00:00:00.000Z',
    updated_at: '2024-01-01T00:00:00.000Z',
    tags: ['a', 'b'],
  })
  assert.equal(cozyMetadata.createdByApp, 'acme')
  assert.equal(cozyMetadata.uploadedAt, undefined)
  assert.deepEqual(json.included, [])
  const again = await ask(`/files/${parent.id}?Type=directory&Name=me%40mail.net`, { method: 'POST' })
  assert.equal(again.status, 409)
})

test('by path: the last component, or with Recursive all of them', async () => {
  assert.equal((await post('Path=/p/q')).status, 404)
  assert.equal((await post('Path=/p')).status, 201)
  assert.equal((await post('Path=/p')).status, 409)
  assert.equal((await post('Path=/p/q')).status, 201)
  const made = await post('Path=/p/q/r/s/&Recursive=true')
  assert.equal(made.status, 201)
  assert.equal(made.json.data.attributes.path, '/p/q/r/s')
  const again = await post('Path=/p//q/./r/x/../s&Recursive=true')
  assert.equal(again.status, 201)
  assert.equal(again.json.data.id, made.json.data.id)
  assert.equal((await post('Path=/&Recursive=true')).json.data.id, root)
  assert.equal((await post('Path=/')).status, 409)
  const relative = await post('Path=p/q')
  assert.equal(relative.status, 400)
  assert.equal(relative.json.errors[0].detail, 'Path should be absolute')
  await upload(made.json.data.id, 'file')
  assert.equal((await post('Path=/p/q/r/s/file/deeper&Recursive=true')).status, 409)
  assert.equal((await post('Path=/.cozy_trash/x')).status, 404)
})

test('names are compared exactly: case, composition and blanks make another name', async () => {
  const names = ['Été', 'Été'.normalize('NFD'), 'été', ' Été', 'Été ']
  for (const name of names) assert.equal((await post(`Name=${encodeURIComponent(name)}`)).status, 201, name)
  for (const name of names) {
    const { json } = await ask(`/files/metadata?Path=/${encodeURIComponent(name)}`)
    assert.equal(json.data.attributes.name, name)
  }
})

test('512 components, and not one more; a move does not get around it', async () => {
  const deep = `/deep${'/d'.repeat(511)}`
  assert.equal((await post(`Path=${deep}&Recursive=true`)).status, 201)
  const deeper = await post(`Path=${deep}/e&Recursive=true`)
  assert.equal(deeper.status, 422)
  assert.deepEqual(deeper.json.errors[0].source, { parameter: 'path' })
  const bottom = (await ask(`/files/metadata?Path=${deep}`)).json.data
  assert.equal((await ask(`/files/${bottom.id}?Type=directory&Name=e`, { method: 'POST' })).status, 422)
  await mkdir('/branch/leaf')
  const branch = (await ask('/files/metadata?Path=/branch')).json.data
  const above = (await ask(`/files/metadata?Path=${deep.slice(0, -2)}`)).json.data
  assert.equal((await house.patch(branch.id, { dir_id: above.id })).status, 422)
  assert.equal((await ask('/files/metadata?Path=/branch/leaf')).status, 200, 'nothing has moved')
})

test('long names are refused with a sentence, not by the database', async () => {
  const long = 'é'.repeat(500)
  const parents = await mkdir(`/${long}/${long}`)
  assert.equal(
    (await ask(`/files/${parents.id}?Type=directory&Name=${encodeURIComponent(long)}`, { method: 'POST' })).status,
    422,
  )
  // The trash adds a little to a path that is as long as paths may be.
  const longest = await ask(`/files/${parents.id}?Type=directory&Name=${'x'.repeat(497)}`, { method: 'POST' })
  assert.equal(longest.status, 201)
  const top = (await stored((await stored(longest.json.data.id))!.dir_id))!
  assert.equal((await ask(`/files/${top.dir_id}`, { method: 'DELETE' })).status, 200)
  assert.equal((await ask(`/files/trash/${top.dir_id}`, { method: 'POST' })).status, 200)
  assert.equal(((await stored(longest.json.data.id)) as DirectoryEntry).path, `/${long}/${long}/${'x'.repeat(497)}`)
})

test('ten requests for the same path at once make it once', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => post('Path=/same/path/for/all&Recursive=true')))
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201])
  assert.equal(new Set(answers.map(({ json }) => json.data.id)).size, 1)
})

describe('permission with Path, which upstream does not ask for', () => {
  test('nothing is made without POST on the first directory to create', async () => {
    const mine = await mkdir('/mine')
    await mkdir('/theirs')
    const scope = `io.cozy.files:GET,POST:${mine.id}`
    assert.equal((await post('Path=/theirs/x&Recursive=true', { scope })).status, 403)
    assert.equal((await post('Path=/new/x&Recursive=true', { scope })).status, 403)
    assert.equal((await post('Path=/theirs', { scope })).status, 403, 'nor is told whether it is there')
    assert.equal((await post('Path=/theirs', { scope: `io.cozy.files:POST` })).status, 409)
    assert.equal(
      (await post('Path=/theirs&Recursive=true', { scope })).status,
      403,
      'what is there is not shown either',
    )
    assert.equal((await ask('/files/metadata?Path=/new')).status, 404)
    assert.equal((await post('Path=/mine/a/b&Recursive=true', { scope })).status, 201)
    assert.equal((await post('Path=/mine/a&Recursive=true', { scope })).status, 201)
    assert.equal((await post('Path=/mine/c', { scope: `io.cozy.files:GET:${mine.id}` })).status, 403)
    assert.equal((await post('Path=/mine/c', { scope: null })).status, 401)
  })
})

test('the directory of shared drives is made once', async () => {
  const first = await ask('/files/shared-drives', { method: 'POST' })
  assert.equal(first.status, 200)
  assert.equal(first.json.data.id, 'io.cozy.files.shared-drives-dir')
  assert.equal(first.json.data.attributes.path, '/Drives')
  assert.equal((await ask('/files/shared-drives', { method: 'POST' })).json.data.meta.rev, first.json.data.meta.rev)
  assert.equal((await ask('/files/shared-drives', { method: 'POST', scope: 'io.cozy.bills' })).status, 403)
})
