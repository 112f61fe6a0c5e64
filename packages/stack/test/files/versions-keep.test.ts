import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { openWriteHouse } from './write-house.ts'

const house = await openWriteHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, upload, overwrite, versions, root, stored, contentOf } = house

const QUARTER = 15 * 60_000
/** Another content, so long after the one before that both are kept. */
const later = async (id: string, content: string, parameters = '', headers: Record<string, string> = {}) => {
  house.advance(QUARTER + 1000)
  return overwrite(id, content, { headers }, parameters)
}
const sizes = async (id: string) => (await versions(id)).map(({ body }) => body.size)

test('what was overwritten is a version, with what was said of it', async () => {
  const { id } = (
    await ask('/files/?Type=file&Name=v.txt&Tags=a&Metadata={"k":1}&SourceAccount=acc', { method: 'POST', body: 'one' })
  ).json.data
  const { json } = await later(id, 'three')
  assert.deepEqual(json.data.relationships.old_versions.data, [{ type: 'io.cozy.files.versions', id: `${id}/1` }])
  const [version] = json.included
  assert.equal(version.type, 'io.cozy.files.versions')
  const { cozyMetadata, updated_at, md5sum, ...attributes } = version.attributes
  assert.deepEqual(attributes, { file_id: id, size: '3', tags: ['a'], metadata: { k: 1 } })
  assert.equal(cozyMetadata.sourceAccount, 'acc')
  assert.equal(cozyMetadata.uploadedBy.slug, 'acme')
  const shown = await ask(`/files/download/${id}/1`)
  assert.equal(shown.text, 'one')
})

test('the same content makes no version', async () => {
  const { id } = await upload(root, 'same.txt', 'same')
  const blobs = house.blobFiles().length
  await later(id, 'same')
  assert.deepEqual(await versions(id), [])
  await house.files.settled()
  assert.equal(house.blobFiles().length, blobs)
  assert.equal(await contentOf(id), 'same')
})

test('closer than 15 minutes: the older one goes, with its content, unless it is tagged', async () => {
  const { id } = await upload(root, 'close.txt', '1')
  await overwrite(id, '22')
  const blobs = house.blobFiles().length
  await overwrite(id, '333')
  assert.deepEqual(await sizes(id), ['2'])
  await house.files.settled()
  assert.equal(house.blobFiles().length, blobs)
  const [version] = await versions(id)
  const tagged = await ask(`/files/${version!.id}`, {
    method: 'PATCH',
    body: { data: { attributes: { tags: ['keep'] } } },
  })
  assert.equal(tagged.status, 200)
  assert.deepEqual(tagged.json.data.attributes.tags, ['keep'])
  await overwrite(id, '4444')
  assert.deepEqual(await sizes(id), ['2', '3'])
})

test('no more than 20: untagged ones go first, then the oldest', async () => {
  const { id } = await upload(root, 'many.txt', 'x')
  for (let size = 2; size <= 21; size++) await later(id, 'x'.repeat(size))
  assert.equal((await versions(id)).length, 20)
  const oldest = (await versions(id)).find(({ body }) => body.size === '1')!
  await ask(`/files/${oldest.id}`, { method: 'PATCH', body: { data: { attributes: { tags: ['keep'] } } } })
  await later(id, 'x'.repeat(22))
  const left = (await sizes(id)).map(Number).sort((a, b) => a - b)
  assert.deepEqual(left, [1, ...Array.from({ length: 19 }, (_, index) => index + 3)])
})

describe('routes', () => {
  test('new metadata for the same content', async () => {
    const { id } = await upload(root, 'described.txt', 'content')
    house.advance(QUARTER)
    const before = house.blobFiles().length
    const answer = await ask(`/files/${id}/versions?Tags=t`, {
      method: 'POST',
      body: { data: { type: 'io.cozy.files.metadata', attributes: { category: 'report', carbonCopy: true } } },
    })
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.json.data.attributes.metadata, { category: 'report' })
    assert.deepEqual(answer.json.data.attributes.tags, ['t'])
    assert.deepEqual(await sizes(id), ['7'])
    assert.equal(house.blobFiles().length, before, 'both share the content')
    // The content outlives either of them.
    await ask('/files/versions', { method: 'DELETE' })
    await house.files.settled()
    assert.equal(await contentOf(id), 'content')
    assert.equal((await ask(`/files/${root}/versions`, { method: 'POST', body: { data: {} } })).status, 404)
  })

  test('revert: the two change places and nothing is lost', async () => {
    const { id } = (await ask('/files/?Type=file&Name=revert.txt&Tags=old', { method: 'POST', body: 'first' })).json
      .data
    await later(id, 'second!', '?Tags=new')
    const used = await house.usage()
    const answer = await ask(`/files/revert/${id}/1`, { method: 'POST' })
    assert.equal(answer.status, 200)
    assert.deepEqual([answer.json.data.attributes.size, answer.json.data.attributes.tags], ['5', ['old']])
    assert.equal(await contentOf(id), 'first')
    assert.deepEqual(await sizes(id), ['7'])
    assert.equal((await ask(`/files/download/${id}/2`)).text, 'second!')
    const now = await house.usage()
    assert.equal(now.files + now.versions, used.files + used.versions)
    assert.equal((await ask(`/files/revert/${id}/1`, { method: 'POST' })).status, 404)
  })

  test('remove one, remove all; unknown ones', async () => {
    const { id } = await upload(root, 'removed.txt', '1')
    await later(id, '22')
    await later(id, '333')
    assert.equal((await ask(`/files/${id}/1`, { method: 'DELETE' })).status, 204)
    assert.deepEqual(await sizes(id), ['2'])
    for (const [method, path] of [
      ['DELETE', `/files/${id}/1`],
      ['DELETE', `/files/${id}/%00`],
      ['PATCH', `/files/${id}/1`],
      ['POST', `/files/revert/${id}/x`],
      ['DELETE', '/files/nowhere/1'],
    ] as const) {
      const body = method === 'PATCH' ? { data: { attributes: { tags: [] } } } : undefined
      assert.equal((await ask(path, { method, body })).status, 404, path)
    }
    assert.equal((await ask(`/files/${id}/2`, { method: 'PATCH', body: { data: {} } })).status, 422)
    assert.equal(
      (await ask('/files/versions', { method: 'DELETE', scope: `io.cozy.files:DELETE:${root}` })).status,
      403,
    )
    assert.equal((await ask('/files/versions', { method: 'DELETE' })).status, 204)
    assert.deepEqual(await versions(id), [])
    await house.files.settled()
    assert.equal(await contentOf(id), '333')
    assert.equal((await house.usage()).versions, 0)
  })

  test('each asks for its verb', async () => {
    const { id } = await upload(root, 'verbs.txt', '1')
    await later(id, '22')
    const all = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
    const body = { data: { attributes: { tags: [] } } }
    for (const [method, path, verb, sent] of [
      ['POST', `/files/${id}/versions`, 'PUT', body],
      ['POST', `/files/revert/${id}/1`, 'POST', undefined],
      ['PATCH', `/files/${id}/1`, 'PATCH', body],
      ['DELETE', `/files/${id}/1`, 'DELETE', undefined],
      ['PUT', `/files/${id}`, 'PUT', 'x'],
    ] as const) {
      const others = all.filter(one => one !== verb).join(',')
      const answer = await ask(path, { method, body: sent, scope: `io.cozy.files:${others}:${id}` })
      assert.equal(answer.status, 403, path)
    }
    assert.equal((await ask(`/files/${id}/1`, { method: 'DELETE', scope: `io.cozy.files:DELETE:${id}` })).status, 204)
    assert.equal((await stored(id))!.type, 'file')
  })
})
