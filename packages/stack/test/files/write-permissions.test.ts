import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openWriteHouse } from './write-house.ts'

const house = await openWriteHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, upload, mkdir, root } = house

const file = await upload(root, 'f.txt')
const folder = await mkdir('/d')
const trashed = await upload(root, 'trashed.txt')
await ask(`/files/${trashed.id}`, { method: 'DELETE' })
await house.overwrite(file.id, 'second')
const json = { data: { attributes: {} } }

/** Every route that changes something, with the verb it needs on the entry it is about. */
const ROUTES: [method: string, path: string, verb: string, body?: object | string][] = [
  ['POST', '/files/?Type=file&Name=new', 'POST', 'x'],
  ['POST', `/files/${folder.id}?Type=file&Name=new`, 'POST', 'x'],
  ['POST', `/files/${folder.id}?Type=directory&Name=new`, 'POST'],
  ['POST', '/files/?Type=directory&Path=/d/new', 'POST'],
  ['POST', `/files/${file.id}/copy`, 'POST'],
  ['POST', '/files/upload/metadata', 'POST', json],
  ['POST', '/files/shared-drives', 'POST'],
  ['PUT', `/files/${file.id}`, 'PUT', 'x'],
  ['PATCH', `/files/${file.id}`, 'PATCH', json],
  ['PATCH', '/files/metadata?Path=/f.txt', 'PATCH', json],
  ['PATCH', '/files/', 'PATCH', { data: [{ id: file.id, attributes: {} }] }],
  ['DELETE', `/files/${file.id}`, 'PATCH'],
  ['POST', `/files/trash/${trashed.id}`, 'PATCH'],
  ['DELETE', `/files/trash/${trashed.id}`, 'DELETE'],
  ['DELETE', '/files/trash', 'DELETE'],
  ['POST', `/files/${file.id}/versions`, 'PUT', json],
  ['POST', `/files/revert/${file.id}/1`, 'POST'],
  ['PATCH', `/files/${file.id}/1`, 'PATCH', { data: { attributes: { tags: [] } } }],
  ['DELETE', `/files/${file.id}/1`, 'DELETE'],
  ['DELETE', '/files/versions', 'DELETE'],
]

test('no route changes anything without a token, with a foreign one, with another type or verb', async () => {
  const before = JSON.stringify(await house.ground.documents.of(house.alice).feed('io.cozy.files'))
  for (const [method, path, verb, body] of ROUTES) {
    const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter(one => one !== verb).join(',')
    const name = `${method} ${path}`
    assert.equal((await ask(path, { method, body, scope: null })).status, 401, name)
    assert.equal((await ask(path, { method, body, scope: 'io.cozy.bills io.cozy.files.versions' })).status, 403, name)
    assert.equal((await ask(path, { method, body, scope: `io.cozy.files:${others}` })).status, 403, name)
    assert.equal((await ask(path, { method, body, scope: 'io.cozy.files:ALL:some-other-id' })).status, 403, name)
    const foreign = Buffer.from(JSON.stringify({ domain: 'bob.localhost', scope: '*' })).toString('base64url')
    assert.equal((await ask(path, { method, body, headers: { authorization: `Bearer ${foreign}` } })).status, 400, name)
  }
  assert.equal(JSON.stringify(await house.ground.documents.of(house.alice).feed('io.cozy.files')), before)
})

test('another instance’s files are not there', async () => {
  for (const [method, path, , body] of ROUTES) {
    if (!/[0-9a-f]{32}/.test(path) && !path.includes('f.txt')) continue
    const { status } = await ask(path, { method, body, tenant: house.bob, scope: '*' })
    assert.equal(status, 404, `${method} ${path}`)
  }
})

test('a konnector with the directory it is referenced by: that one and all below, nothing beside', async () => {
  const konnector = 'io.cozy.konnectors/acme'
  const mine = await mkdir('/Administrative/Acme')
  await ask(`/files/${mine.id}/relationships/referenced_by`, {
    method: 'POST',
    body: { data: [{ type: 'io.cozy.konnectors', id: konnector }] },
  })
  const scope = `io.cozy.files:ALL:${konnector}:referenced_by`
  const below = await mkdir('/Administrative/Acme/2025', { scope })
  const made = await upload(below.id, 'bill.pdf', 'bill', { scope })
  assert.equal((await house.overwrite(made.id, 'bill 2', { scope })).status, 200)
  assert.equal((await house.patch(made.id, { permanent_delete: true }, { scope })).status, 200)
  assert.equal((await ask(`/files/${root}?Type=file&Name=x`, { method: 'POST', body: 'x', scope })).status, 403)
  assert.equal((await house.patch(file.id, { permanent_delete: true }, { scope })).status, 403)
  // Below it while the bytes came in, elsewhere when they were there.
  const { sending, answer } = house.slowUpload(`/files/${below.id}?Type=file&Name=late.pdf`, {
    scope,
    headers: { 'transfer-encoding': 'chunked' },
  })
  const before = house.blobFiles()
  sending.write('begun')
  while (house.blobFiles().length === before.length) await new Promise(setImmediate)
  await house.patch(below.id, { dir_id: root })
  sending.end()
  assert.equal((await answer).status, 403)
  assert.deepEqual(house.blobFiles(), before)
})

test('odd requests are the asker’s fault, never ours', async () => {
  const odd = ['%00', '%ED%A0%80', '..', '%2F', 'x'.repeat(3000), '%F0%9F%92%A9', '__proto__', 'toString']
  for (const part of odd) {
    for (const [method, path, body] of [
      ['POST', `/files/${part}?Type=file&Name=x`, 'x'],
      ['POST', `/files/?Type=file&Name=${part}%0A`, 'x'],
      ['POST', `/files/?Type=directory&Path=/${part}%0A`],
      ['POST', `/files/${part}/copy?DirID=${part}&Name=${part}`],
      ['PUT', `/files/${part}?rev=${part}`, 'x'],
      ['PATCH', `/files/${part}`, json],
      ['PATCH', `/files/metadata?Path=${part}`, json],
      ['PATCH', '/files/', { data: [{ id: decodeLoose(part), attributes: { dir_id: decodeLoose(part) } }] }],
      ['DELETE', `/files/${part}`],
      ['POST', `/files/trash/${part}`],
      ['DELETE', `/files/trash/${part}`],
      ['POST', `/files/${part}/versions`, json],
      ['POST', `/files/revert/${part}/${part}`],
      ['PATCH', `/files/${part}/${part}`, { data: { attributes: { tags: [] } } }],
      ['DELETE', `/files/${part}/${part}`],
    ] as [string, string, (object | string)?][]) {
      const { status } = await ask(path, { method, body })
      // What is no UTF-8 is not decoded, and so is a name like any other.
      const isName = part === '%ED%A0%80' && path.includes('Type=')
      assert.ok(status < 500 && (isName || status >= 400), `${method} ${path}: ${status}`)
    }
  }
  for (const data of [null, [], 'x', 1, { attributes: 1 }, { attributes: { tags: {} } }]) {
    const { status } = await ask(`/files/${file.id}`, { method: 'PATCH', body: { data } })
    assert.ok(status === 200 || (status >= 400 && status < 500), `${JSON.stringify(data)}: ${status}`)
  }
})

function decodeLoose(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return '\ud800'
  }
}
