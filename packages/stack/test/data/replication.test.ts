import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { startDataServer } from '../help/data-server.ts'

const server = await startDataServer()
after(() => server[Symbol.asyncDispose]())
const { ask } = server
const T = 'io.cozy.things'
const path = `/data/${T}`
const post = (suffix: string, body: object, scope = '*') => ask(`${path}/${suffix}`, { method: 'POST', body, scope })
const bulk = (docs: unknown[], extra = {}, scope = '*') => post('_bulk_docs', { docs, ...extra } as object, scope)
/** A document of another replica: its history newest first. */
const foreign = (_id: string, history: string, content: object = {}) => {
  const ids = history.split(' ')
  return { _id, _rev: `${ids.length}-${ids[0]}`, _revisions: { start: ids.length, ids }, ...content }
}
const replicate = async (...docs: object[]) => {
  const answer = await bulk(docs, { new_edits: false })
  assert.equal(answer.status, 201)
  return answer.json
}
const read = async (id: string, query = '') => (await ask(`${path}/${id}${query}`)).json

describe('_bulk_docs', () => {
  it('creates, updates and deletes, each by itself', async () => {
    const [first] = (await bulk([{ _id: 'b1', paid: false, _type: T }])).json
    const answer = await bulk([
      { _id: 'b1', _rev: first.rev, paid: true },
      { vendor: 'acme' },
      { _id: 'b2', _rev: '9-z', _deleted: true },
      { _id: 'b1', paid: false },
    ])
    assert.equal(answer.status, 201)
    const [updated, created, deleted, again] = answer.json
    assert.deepEqual([updated.ok, updated.id, updated.rev.slice(0, 2)], [true, 'b1', '2-'])
    assert.deepEqual([created.ok, created.rev.slice(0, 2)], [true, '1-'])
    assert.deepEqual(deleted, { id: 'b2', error: 'conflict', reason: 'Document update conflict.' })
    assert.equal(again.error, 'conflict')
    const [gone] = (await bulk([{ _id: 'b1', _rev: updated.rev, _deleted: true, why: 'sold' }])).json
    assert.match(gone.rev, /^3-/)
    assert.equal((await ask(`${path}/b1`)).json.reason, 'deleted')
    const { results } = (await ask(`${path}/_changes?include_docs=true`)).json
    const tombstone = results.find((row: { id: string }) => row.id === 'b1')
    assert.deepEqual(tombstone.doc, { _id: 'b1', _rev: gone.rev, _deleted: true, why: 'sold' })
  })

  it('creates the database, also for nothing at all', async () => {
    const answer = await ask('/data/io.cozy.bulked/_bulk_docs', { method: 'POST', body: { docs: [] } })
    assert.deepEqual([answer.status, answer.json], [201, []])
    assert.equal((await ask('/data/io.cozy.bulked')).status, 200)
  })

  it('refuses what are no documents before anything is written', async () => {
    const wrong = [
      5,
      null,
      [],
      'x',
      { _foo: 1 },
      { _id: 5 },
      { _id: '_x' },
      { _id: 'x'.repeat(2000) },
      { _id: 'a\0' },
      { _rev: 'x', _id: 'y' },
      { _rev: {} },
      { _deleted: 'yes' },
      { _attachments: { a: {} } },
    ]
    for (const doc of wrong) {
      const answer = await bulk([{ _id: 'never' }, doc])
      assert.equal(answer.status, 400, JSON.stringify(doc))
    }
    assert.equal((await ask(`${path}/never`)).status, 404)
    for (const docs of [5, {}, null, 'x']) assert.equal((await post('_bulk_docs', { docs })).status, 400)
    assert.equal((await post('_bulk_docs', {})).status, 400)
    assert.equal((await bulk([], { new_edits: 'no' })).status, 400)
    assert.equal((await bulk(Array.from({ length: 10_001 }, () => ({})))).status, 400)
  })

  it('refuses design documents one by one, as PouchDB expects of somebody who may not write them', async () => {
    const [design, other] = (await bulk([{ _id: '_design/x', views: {} }, { _id: 'beside' }])).json
    assert.deepEqual([design.id, design.error, other.ok], ['_design/x', 'forbidden', true])
  })

  it('needs POST on the whole doctype', async () => {
    assert.equal((await bulk([{}], {}, `${T}:GET,PUT`)).status, 403)
    assert.equal((await bulk([{}], {}, `${T}:POST:b1`)).status, 403)
    assert.equal((await bulk([{}], {}, `${T}:POST`)).status, 201)
  })
})

describe('replication', () => {
  it('takes revisions over with their names and their past', async () => {
    assert.deepEqual(await replicate(foreign('r1', 'c b a', { n: 3 })), [{ ok: true, id: 'r1', rev: '3-c' }])
    assert.deepEqual(await read('r1'), { _id: 'r1', _rev: '3-c', _type: T, n: 3 })
    assert.deepEqual(await read('r1', '?revs=true'), {
      _id: 'r1',
      _rev: '3-c',
      _revisions: { start: 3, ids: ['c', 'b', 'a'] },
      n: 3,
    })
    // Known, and older ones: nothing happens.
    const { update_seq } = (await ask(path)).json
    await replicate(foreign('r1', 'c b a', { n: 3 }), foreign('r1', 'b a', { n: 2 }))
    assert.equal((await ask(path)).json.update_seq, update_seq)
    const { rev } = (await ask(`${path}/r1`, { method: 'PUT', body: { _id: 'r1', _rev: '3-c', n: 4 } })).json
    assert.match(rev, /^4-/)
  })

  it('takes one without a past', async () => {
    const { _revisions, ...bare } = foreign('r2', 'b a')
    assert.deepEqual(await replicate(bare), [{ ok: true, id: 'r2', rev: '2-b' }])
    assert.deepEqual((await read('r2', '?revs=true'))._revisions, { start: 2, ids: ['b'] })
  })

  it('keeps conflicts, whatever comes first, and tells them when asked', async () => {
    await replicate(foreign('k1', 'x a', { by: 'x' }), foreign('k1', 'y a', { by: 'y' }))
    await replicate(foreign('k2', 'y a', { by: 'y' }), foreign('k2', 'x a', { by: 'x' }))
    for (const id of ['k1', 'k2']) {
      assert.equal((await read(id)).by, 'y')
      assert.equal((await read(id))._conflicts, undefined)
      assert.deepEqual((await read(id, '?conflicts=true'))._conflicts, ['2-x'])
      const open = await read(id, '?open_revs=all&revs=true')
      assert.deepEqual(
        open.map(({ ok }: { ok: { _rev: string } }) => ok._rev),
        ['2-y', '2-x'],
      )
      assert.deepEqual(open[1].ok, { _id: id, _rev: '2-x', _revisions: { start: 2, ids: ['x', 'a'] }, by: 'x' })
    }
    const rows = (await ask(`${path}/_changes?style=all_docs`)).json.results
    assert.deepEqual(rows.find((row: { id: string }) => row.id === 'k1').changes, [{ rev: '2-y' }, { rev: '2-x' }])
    const main = (await ask(`${path}/_changes`)).json.results
    assert.deepEqual(main.find((row: { id: string }) => row.id === 'k1').changes, [{ rev: '2-y' }])
    const listed = (await ask(`${path}/_all_docs?include_docs=true&conflicts=true&key="k1"`)).json.rows
    assert.deepEqual(listed[0].doc._conflicts, ['2-x'])
  })

  it('ends a conflict when the losing revision is deleted or changed', async () => {
    await replicate(foreign('e1', 'y a'), foreign('e1', 'x a', { by: 'x' }), foreign('e1', 'w a'))
    const gone = await ask(`${path}/e1?rev=2-x`, { method: 'DELETE' })
    assert.equal(gone.status, 200)
    assert.deepEqual((await read('e1', '?conflicts=true'))._conflicts, ['2-w'])
    assert.equal((await ask(`${path}/e1?rev=2-x`, { method: 'DELETE' })).status, 409)
    // A losing revision that grows longer than the winner wins.
    const grown = await ask(`${path}/e1`, { method: 'PUT', body: { _id: 'e1', _rev: '2-w', n: 1 } })
    assert.equal(grown.status, 200)
    assert.deepEqual(
      [(await read('e1'))._rev, (await read('e1', '?conflicts=true'))._conflicts],
      [grown.json.rev, ['2-y']],
    )
    assert.equal((await ask(`${path}/e1?rev=2-y`, { method: 'DELETE', scope: `${T}:DELETE:e1` })).status, 409)
  })

  it('shows the best of the others when the winner is deleted', async () => {
    for (const [id, remove] of [
      ['d1', () => ask(`${path}/d1?rev=2-y`, { method: 'DELETE' })],
      ['d2', () => bulk([{ _id: 'd2', _rev: '2-y', _deleted: true }])],
      ['d3', () => replicate(foreign('d3', 'z y a', { _deleted: true }))],
    ] as const) {
      await replicate(foreign(id, 'y a', { by: 'y' }), foreign(id, 'x a', { by: 'x' }))
      const before = (await ask(path)).json
      await remove()
      assert.equal((await read(id)).by, 'x', id)
      const now = (await ask(path)).json
      assert.deepEqual([now.doc_count, now.doc_del_count], [before.doc_count, before.doc_del_count], id)
      await ask(`${path}/${id}?rev=2-x`, { method: 'DELETE' })
      assert.equal((await read(id)).reason, 'deleted', id)
      assert.equal((await ask(path)).json.doc_del_count, before.doc_del_count + 1, id)
    }
  })

  it('brings deletions of what was never here', async () => {
    const before = (await ask(path)).json
    await replicate(foreign('g1', 'b a', { _deleted: true }))
    assert.equal((await read('g1')).reason, 'deleted')
    assert.equal((await ask(path)).json.doc_del_count, before.doc_del_count + 1)
    assert.match((await ask(`${path}/g1`, { method: 'PUT', body: {} })).json.rev, /^3-/)
  })

  it('refuses revisions that are none, without writing the others', async () => {
    const good = foreign('v1', 'a')
    const wrong: object[] = [
      { _id: 'v2' },
      { _rev: '1-a' },
      { _id: 'v2', _rev: 'a' },
      { _id: 'v2', _rev: '0-a' },
      { _id: 'v2', _rev: '1-' },
      { _id: 'v2', _rev: '1-a b' },
      { _id: 'v2', _rev: '1-a\0' },
      { _id: 'v2', _rev: '99999999999-a' },
      { ...foreign('v2', 'b a'), _revisions: { start: 3, ids: ['b', 'a'] } },
      { ...foreign('v2', 'b a'), _revisions: { start: 2, ids: ['c', 'a'] } },
      { ...foreign('v2', 'b a'), _revisions: { start: 2, ids: ['b', 'a', 'z'] } },
      { ...foreign('v2', 'b a'), _revisions: { start: 2, ids: ['b', 5] } },
      { ...foreign('v2', 'b a'), _revisions: { start: 2, ids: ['b', 'x y'] } },
      { ...foreign('v2', 'b a'), _revisions: { start: 2, ids: [] } },
      { ...foreign('v2', 'b a'), _revisions: 'x' },
      { ...foreign('v2', 'b a'), _revisions: null },
    ]
    for (const doc of wrong) {
      const answer = await bulk([good, doc], { new_edits: false })
      assert.equal(answer.status, 400, JSON.stringify(doc))
    }
    assert.equal((await ask(`${path}/v1`)).status, 404)
  })

  it('refuses attachments and design documents so that a replicator goes on with the others', async () => {
    const attachment = foreign('at1', 'a', { _attachments: { 'a.txt': { data: '' } } })
    const [refused, design, fine] = await replicate(
      attachment,
      foreign('_design/i', 'a'),
      foreign('at2', 'a', { _attachments: {} }),
    )
    assert.deepEqual([refused.id, refused.error], ['at1', 'forbidden'])
    assert.match(refused.reason, /Attachments/)
    assert.equal(design.error, 'forbidden')
    assert.equal(fine.ok, true)
  })

  it('keeps a hundred ancestors', async () => {
    const history = Array.from({ length: 150 }, (_, n) => `h${150 - n}`).join(' ')
    await replicate(foreign('long', history))
    const { ids } = (await read('long', '?revs=true'))._revisions
    assert.deepEqual([ids.length, ids[0], ids.at(-1)], [100, 'h150', 'h51'])
    const diff = (await post('_revs_diff', { long: ['150-h150', '51-h51', '50-h50'] })).json
    assert.deepEqual(diff, { long: { missing: ['50-h50'] } })
  })

  it('needs POST on the whole doctype, which may be written', async () => {
    assert.equal((await bulk([foreign('p', 'a')], { new_edits: false }, `${T}:POST:p`)).status, 403)
    const files = { method: 'POST', body: { docs: [foreign('p', 'a')], new_edits: false } }
    assert.equal((await ask('/data/io.cozy.files/_bulk_docs', files)).status, 403)
  })
})

describe('_revs_diff and _bulk_get', () => {
  it('tell what is missing and from where it may be reached', async () => {
    await replicate(foreign('m1', 'c b a'), foreign('m1', 'b2 a'))
    const { json } = await post('_revs_diff', {
      m1: ['3-c', '2-b2', '1-a', '4-d'],
      m2: ['1-x'],
      m3: [],
      'a\0': ['1-a'],
    })
    assert.deepEqual(json, {
      m1: { missing: ['4-d'], possible_ancestors: ['3-c', '2-b2'] },
      m2: { missing: ['1-x'] },
      'a\0': { missing: ['1-a'] },
    })
    assert.deepEqual((await post('_revs_diff', { m1: ['1-a'] })).json, {})
    for (const body of [{ m1: 5 }, { m1: [5] }, { m1: {} }, { m1: null }])
      assert.equal((await post('_revs_diff', body)).status, 400)
    assert.equal((await post('_revs_diff', {}, `${T}:POST`)).status, 403)
    assert.equal((await post('_revs_diff', { m1: ['1-a'] }, `${T}:GET`)).status, 200)
  })

  it('give ends of trees, with their past, and what came of older ones', async () => {
    await replicate(foreign('n1', 'c b a', { n: 3 }), foreign('n1', 'b2 a', { n: 2 }))
    const docs = [
      { id: 'n1', rev: '3-c' },
      { id: 'n1', rev: '1-a' },
      { id: 'nobody' },
      { id: 'n1' },
      { id: 'a\0', rev: '1-a' },
    ]
    const plain = (await post('_bulk_get', { docs })).json.results
    assert.deepEqual(plain[0], { id: 'n1', docs: [{ ok: { _id: 'n1', _rev: '3-c', n: 3 } }] })
    assert.deepEqual(plain[1].docs[0].error, { id: 'n1', rev: '1-a', error: 'not_found', reason: 'missing' })
    assert.equal(plain[2].docs[0].error.reason, 'missing')
    assert.equal(plain[3].docs[0].ok._rev, '3-c')
    assert.equal(plain[4].docs[0].error.id, 'a\0')
    const latest = (await post('_bulk_get?revs=true&latest=true', { docs })).json.results
    assert.deepEqual(
      latest[1].docs.map(({ ok }: { ok: object }) => ok),
      [
        { _id: 'n1', _rev: '3-c', _revisions: { start: 3, ids: ['c', 'b', 'a'] }, n: 3 },
        { _id: 'n1', _rev: '2-b2', _revisions: { start: 2, ids: ['b2', 'a'] }, n: 2 },
      ],
    )
    for (const wrong of [
      {},
      { docs: 5 },
      { docs: [5] },
      { docs: [{ id: 5 }] },
      { docs: [{}] },
      { docs: [{ id: 'a', rev: 5 }] },
    ])
      assert.equal((await post('_bulk_get', wrong)).status, 400, JSON.stringify(wrong))
    assert.equal((await post('_bulk_get', { docs }, `${T}:GET:n1`)).status, 403)
    const many = { docs: Array.from({ length: 500 }, () => ({ id: 'n1' })) }
    assert.equal((await post('_bulk_get', many)).json.results.length, 500)
  })

  it('name revisions that are not there when asked for by GET', async () => {
    await replicate(foreign('o1', 'b a'))
    assert.deepEqual(await read('o1', `?open_revs=${encodeURIComponent('["2-b","9-z"]')}`), [
      { ok: { _id: 'o1', _rev: '2-b' } },
      { missing: '9-z' },
    ])
    const latest = await read('o1', `?latest=true&open_revs=${encodeURIComponent('["1-a"]')}`)
    assert.equal(latest[0].ok._rev, '2-b')
    for (const wrong of ['x', '5', '{}', '[5]', ''])
      assert.equal((await ask(`${path}/o1?open_revs=${encodeURIComponent(wrong)}`)).status, 400, wrong)
    assert.equal((await ask(`${path}/nobody?open_revs=all`)).status, 404)
  })
})

describe('_local documents', () => {
  it('are kept beside, with a revision of their own', async () => {
    const local = `${path}/_local/checkpoint`
    assert.deepEqual((await ask(local)).json, { error: 'not_found', reason: 'missing' })
    const before = (await ask(path)).json
    const scope = `${T}:GET`
    const made = await ask(local, { method: 'PUT', body: { _id: '_local/checkpoint', last_seq: 5 }, scope })
    assert.deepEqual([made.status, made.json], [201, { ok: true, id: '_local/checkpoint', rev: '0-1' }])
    assert.deepEqual((await ask(local, { scope })).json, { _id: '_local/checkpoint', _rev: '0-1', last_seq: 5 })
    const stale = await ask(local, { method: 'PUT', body: { last_seq: 6 } })
    assert.deepEqual([stale.status, stale.json.error], [409, 'conflict'])
    const next = await ask(local, { method: 'PUT', body: { _rev: '0-1', last_seq: 'x\0' } })
    assert.equal(next.json.rev, '0-2')
    assert.equal((await ask(local)).json.last_seq, 'x\0')
    assert.equal((await ask(local, { method: 'PUT', body: { _rev: 'x' } })).status, 409)
    assert.equal((await ask(local, { method: 'PUT', body: { _x: 1 } })).status, 400)
    assert.equal((await ask(`${path}/_local/${'x'.repeat(2000)}`, { method: 'PUT', body: {} })).status, 400)
    assert.equal((await ask(`${path}/_local/a%00`)).status, 404)
    assert.deepEqual((await ask(path)).json.update_seq, before.update_seq)
    assert.equal((await ask(local, { scope: `${T}:POST` })).status, 403)
    assert.equal((await ask('/data/io.cozy.nowhere/_local/x', { method: 'PUT', body: {} })).status, 404)
    const large = { method: 'PUT', body: { x: 'x'.repeat(300_000) } }
    assert.equal((await ask(`${path}/_local/large`, large)).status, 413)
  })
})
