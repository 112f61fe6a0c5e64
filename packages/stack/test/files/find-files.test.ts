import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { FILES } from '../../src/rooms/files/record.ts'
import { openReadingHouse } from './reading-house.ts'

const house = await openReadingHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, directory, file, root } = house

const folder = await directory(root, 'bills')
const names = ['a.pdf', 'b.pdf', 'c.pdf', 'd.pdf', 'e.pdf']
for (const [index, name] of names.entries()) {
  await file(folder, name, name, {
    metadata: { fileIdAttributes: `acme####${index}`, datetime: `2026-0${index + 1}-01` },
    cozyMetadata: { createdByApp: 'acme', sourceAccountIdentifier: 'me@mail.net' },
    referenced_by: [{ type: 'io.cozy.bills', id: String(index) }],
  })
}
const index = (fields: string[], ddoc: string, more: object = {}) =>
  ask(`/data/${FILES}/_index`, { method: 'POST', body: { index: { fields, ...more }, ddoc } })
await index(['name'], 'by_name')
await index(
  ['cozyMetadata.createdByApp', 'cozyMetadata.sourceAccountIdentifier', 'metadata.fileIdAttributes'],
  'by_file_id',
  { partial_filter_selector: { trashed: false } },
)

const find = (body: object, query = '') => ask(`/files/_find${query}`, { method: 'POST', body })
interface Answer {
  data: { id: string; attributes: Record<string, unknown>; relationships: object; meta: { rev: string } }[]
  meta: { count: number; warning?: string; execution_stats?: object }
  links: { next?: string }
}
const byName = { selector: { name: { $gt: null }, type: 'file' }, use_index: 'by_name' }

test('the query of saveFiles finds a file by what it was made from', async () => {
  const answer = await find({
    selector: {
      metadata: { fileIdAttributes: 'acme####2' },
      trashed: false,
      cozyMetadata: { sourceAccountIdentifier: 'me@mail.net', createdByApp: 'acme' },
    },
    use_index: '_design/by_file_id',
    limit: 1000,
  })
  assert.equal(answer.status, 200, answer.text)
  const { data, meta, links } = answer.json as Answer
  assert.equal(data.length, 1)
  const [found] = data
  const id = found?.id as string
  const single = (await ask(`/files/${id}`)).json.data
  const { old_versions, ...relationships } = single.relationships
  assert.deepEqual(found?.relationships, relationships)
  // A path is computed here, and only here and in lists by ids.
  assert.deepEqual(found?.attributes, { ...single.attributes, path: '/bills/c.pdf' })
  assert.deepEqual([meta, links], [{ count: 1 }, {}])
})

describe('fields', () => {
  const attributesOf = async (fields: string[]) =>
    ((await find({ ...byName, fields, limit: 1 })).json as Answer).data[0]?.attributes

  test('only those, and the few that are always there', async () => {
    assert.deepEqual(await attributesOf(['name', 'metadata.datetime', 'unknown']), {
      type: 'file',
      class: 'pdf',
      size: '5',
      trashed: false,
      name: 'a.pdf',
      metadata: { datetime: '2026-01-01' },
    })
  })
  test('the path where it is named', async () => {
    assert.equal((await attributesOf(['path']))?.path, '/bills/a.pdf')
    assert.equal((await attributesOf(['name']))?.path, undefined)
    assert.equal((await attributesOf([]))?.path, '/bills/a.pdf')
  })
  test('never what is ours, nor a file’s references', async () => {
    const text = JSON.stringify(
      (await find({ ...byName, fields: ['internal_blob', 'referenced_by', 'name'] })).json.data.map(
        (object: Answer['data'][0]) => object.attributes,
      ),
    )
    assert.ok(!text.includes('internal_blob') && !text.includes('referenced_by'))
    assert.ok(!(await find(byName)).text.includes('internal_blob'))
  })
  test('a directory has its path without asking', async () => {
    const { data } = (await find({ selector: { name: 'bills' }, use_index: 'by_name' })).json as Answer
    assert.deepEqual([data[0]?.attributes.path, data[0]?.attributes.type], ['/bills', 'directory'])
  })
})

describe('pages', () => {
  async function walk(limitIn: 'body' | 'query', limit: number) {
    const seen: unknown[] = []
    const counts: number[] = []
    let next: string | undefined
    for (;;) {
      const query = next?.slice('/files/_find'.length) ?? (limitIn === 'query' ? `?page[limit]=${limit}` : '')
      const all: string = next && limitIn === 'query' ? `${query}&page[limit]=${limit}` : query
      const { data, meta, links } = (await find({ ...byName, ...(limitIn === 'body' && { limit }) }, all))
        .json as Answer
      seen.push(...data.map(({ attributes }) => attributes.name))
      counts.push(meta.count)
      next = links.next
      if (!next) return { seen, counts }
      // The bookmark stands in the link as it is, and is safe there.
      assert.match(next, /^\/files\/_find\?page\[cursor\]=[\w.~-]+$/)
    }
  }

  test('full pages have an unknown count and a link, the last one neither', async () => {
    const unknown = 2147483646
    assert.deepEqual(await walk('body', 2), { seen: names, counts: [unknown, unknown, 1] })
    assert.deepEqual(await walk('query', 2), { seen: names, counts: [unknown, unknown, 1] })
    // A last page that is full is followed by an empty one with a small count: clients then stop.
    assert.deepEqual(await walk('body', 5), { seen: names, counts: [unknown, 0] })
    assert.deepEqual(await walk('body', 6), { seen: names, counts: [5] })
  })

  test('skip counts', async () => {
    const bySkip = (await find({ ...byName, limit: 10 }, '?page[skip]=3')).json as Answer
    assert.deepEqual([bySkip.data.length, bySkip.meta.count], [2, 5])
    const inBody = (await find({ ...byName, skip: 4 })).json as Answer
    assert.deepEqual([inBody.data.length, inBody.meta.count], [1, 5])
  })

  test('page[limit] is bounded, and what is no page a 400', async () => {
    assert.equal((await find(byName, '?page[limit]=1000000')).status, 200)
    for (const query of ['?page[limit]=x', '?page[limit]=0', '?page[skip]=-1', '?page[cursor]=x']) {
      assert.equal((await find(byName, query)).status, 400, query)
    }
  })
})

test('errors and warnings are those of Mango, in the form of JSON:API', async () => {
  const noIndex = await find({ selector: { size: '5' }, sort: ['size'] })
  assert.equal(noIndex.status, 400)
  assert.match(noIndex.headers['content-type'] as string, /^application\/vnd\.api\+json/)
  assert.equal(noIndex.json.errors[0].status, '400')
  assert.match(noIndex.json.errors[0].title, /^no_(usable_)?index$/)
  for (const body of [{}, { selector: 7 }, { selector: { a: { $what: 1 } } }, { selector: {}, fields: 'x' }]) {
    assert.equal((await find(body)).status, 400, JSON.stringify(body))
  }
  assert.equal((await ask('/files/_find', { method: 'POST', body: '[]' })).status, 400)
  const stats = (await find({ ...byName, execution_stats: true })).json as Answer
  assert.equal(typeof stats.meta.execution_stats, 'object')
  const warned = (await find({ selector: { name: 'a.pdf' }, use_index: 'unknown' })).json as Answer
  assert.match(warned.meta.warning ?? '', /was not used because it does not contain a valid index for this query/)
})

test('another instance has none of it', async () => {
  const { status, json } = await ask('/files/_find', {
    method: 'POST',
    body: { selector: { _id: { $gt: null } } },
    tenant: house.bob,
    scope: '*',
  })
  assert.equal(status, 200)
  assert.deepEqual((json as Answer).data.map(({ attributes }) => attributes.path).sort(), ['/', '/.cozy_trash'])
})

test('_all_docs: by ids, in their order, with paths', async () => {
  const some = await file(folder, 'listed.pdf', 'x', { referenced_by: [{ type: 'a', id: 'b' }] })
  const gone = await file(folder, 'gone.pdf')
  await house.ground.documents.of(house.alice).remove(FILES, gone._id, gone._rev)
  const keys = [some._id, 'unknown', gone._id, folder._id, 'nul\0', some._id]
  const { status, json } = await ask('/files/_all_docs', { method: 'POST', body: { keys } })
  assert.equal(status, 200)
  const { data, meta } = json as Answer
  assert.deepEqual(
    data.map(({ id, attributes }) => [id, attributes.path]),
    [
      [some._id, '/bills/listed.pdf'],
      [folder._id, '/bills'],
      [some._id, '/bills/listed.pdf'],
    ],
  )
  assert.deepEqual(meta, { count: 3 })
  assert.ok(!JSON.stringify(json).includes('internal_blob'))
  for (const body of [{}, { keys: 'x' }, { keys: [1] }, '{']) {
    assert.equal((await ask('/files/_all_docs', { method: 'POST', body })).status, 400)
  }
})
