import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ROOT_ID } from '../../src/rooms/files/record.ts'
import { startTestHouse } from '../help/house.ts'
import { md5 } from './reading-house.ts'

const house = await startTestHouse()
after(() => house[Symbol.asyncDispose]())
const { request } = house
const bob = await house.another('bob.example')

test('what one half writes the other reads: a konnector’s save, from upload to link', async () => {
  const made = await request(`/files/${ROOT_ID}?Type=directory&Name=Acme`, { method: 'POST' })
  assert.equal(made.status, 201, made.text)
  const folder = made.json.data.id
  const upload = await request(`/files/${folder}?Type=file&Name=bill.pdf`, {
    method: 'POST',
    headers: { 'content-type': 'application/pdf' },
    body: 'the bill',
  })
  assert.equal(upload.status, 201, upload.text)
  const { id, attributes } = upload.json.data
  assert.equal(attributes.md5sum, md5('the bill'))

  const single = (await request('/files/metadata?Path=/Acme/bill.pdf')).json
  assert.equal(single.data.id, id)
  assert.deepEqual(single.data.attributes, attributes)
  const listed = (await request(`/files/${folder}`)).json
  assert.deepEqual(
    listed.included.map((object: { id: string }) => object.id),
    [id],
  )
  assert.equal(listed.data.relationships.contents.meta.count, 1)
  assert.equal((await request(`/files/download/${id}`)).text, 'the bill')

  const overwritten = await request(`/files/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/pdf' },
    body: 'the corrected bill',
  })
  assert.equal(overwritten.status, 200)
  const { old_versions } = (await request(`/files/${id}`)).json.data.relationships
  assert.equal(old_versions.data.length, 1)
  const [version] = old_versions.data
  assert.equal((await request(`/files/download/${version.id}`)).text, 'the bill')

  const konnector = '/data/io.cozy.konnectors/io.cozy.konnectors%2Facme/relationships/references'
  const folderIdentifier = { data: [{ type: 'io.cozy.files', id: folder }] }
  assert.equal((await request(konnector, { method: 'POST', body: folderIdentifier })).status, 204)
  const scope = 'io.cozy.files:GET:io.cozy.konnectors/acme:referenced_by'
  assert.equal((await request(`/files/${id}`, { scope })).status, 200)
  assert.equal((await request(`/files/${ROOT_ID}`, { scope })).status, 403)

  const { related } = (
    await request(`/files/downloads?VersionId=${encodeURIComponent(version.id)}`, { method: 'POST' })
  ).json.links
  assert.equal((await request(related, { scope: null })).text, 'the bill')
  const zip = await request('/files/archive', {
    method: 'POST',
    body: { data: { attributes: { name: 'all', files: ['/Acme'] } } },
    headers: { accept: 'application/zip' },
  })
  assert.equal(zip.bytes.subarray(0, 2).toString(), 'PK')

  await request(`/files/${id}`, { method: 'DELETE' })
  assert.deepEqual(
    (await request('/files/trash')).json.data.map((object: { id: string }) => object.id),
    [id],
  )
  assert.deepEqual((await request('/files/fsck')).json, [])
})

test('another instance’s token and another instance’s ids open nothing', async () => {
  const made = (await request(`/files/${ROOT_ID}?Type=directory&Name=private`, { method: 'POST' })).json.data
  const authorization = `Bearer ${await house.token(undefined, bob)}`
  const paths = [
    `/files/${made.id}`,
    '/files/metadata?Path=/private',
    `/files/${made.id}/size`,
    `/files/download/${made.id}`,
  ]
  for (const path of paths) {
    assert.equal((await request(path, { headers: { authorization } })).status, 400, 'bob’s token here')
    assert.equal(
      (await request(path, { headers: { authorization }, host: bob.domain })).status,
      404,
      'alice’s id there',
    )
  }
})
