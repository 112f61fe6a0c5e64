import assert from 'node:assert/strict'
import { after, beforeEach, describe, it } from 'node:test'
import { forbidden } from '../../src/ground/http/errors.ts'
import type { DoctypeBehaviour } from '../../src/rooms/data/behaviour.ts'
import { startDataServer } from '../help/data-server.ts'

const T = 'io.cozy.safes'
/** What was deleted, `id before → tombstone`. */
const deleted: string[] = []
const writers: string[] = []

/** Keeps `secret` as `sealed`, bound to the document's id, and shows it to those who ask for it. */
const behaviour: DoctypeBehaviour = {
  async beforeWrite({ id, named, body, stored, actor }) {
    writers.push(`${actor?.subject} ${named}`)
    if (body.refuse) throw forbidden('not this one')
    const { secret, ...rest } = body
    return { ...rest, ...(secret !== undefined && { sealed: `${id}:${secret}` }), updated: stored !== undefined }
  },
  async show({ document, query, method }) {
    return { ...document.body, shown: method, ...(query.include === 'secret' && { open: true }) }
  },
  async settle({ tenant, document }) {
    if (!document.body.untidy) return document
    const { untidy: _, ...body } = document.body
    return server.ground.documents.of(tenant).update(T, document.id, document.rev, { ...body, tidied: true })
  },
  async readRevision({ id, rev }) {
    if (rev !== '7-old') return undefined
    return { doctype: T, id, rev, deleted: false, seq: 0, text: '{"n":7}', body: { n: 7 } }
  },
  async afterDelete(writer, { tombstone, before }) {
    deleted.push(`${before.id} ${before.rev} ${tombstone.deleted}`)
    await writer.create('io.cozy.graves', { of: before.id, had: before.body.sealed })
  },
}
const server = await startDataServer(data => data.behave(T, behaviour))
after(() => server[Symbol.asyncDispose]())
const { ask } = server
const path = `/data/${T}`
const stored = async (id: string) => (await server.ground.documents.of(server.tenant).get(T, id))?.body
const post = (suffix: string, body: object) => ask(`${path}/${suffix}`, { method: 'POST', body })
const graves = async () => {
  const list = await server.ground.documents.of(server.tenant).list('io.cozy.graves')
  return list.map(({ body }) => body.of)
}

describe('a doctype with a behaviour', () => {
  beforeEach(() => {
    deleted.length = 0
    writers.length = 0
  })

  it('[do not copy] stores what the behaviour makes of a document on every way in', async () => {
    const made = (await post('', { secret: 's' })).json
    assert.deepEqual(await stored(made.id), { sealed: `${made.id}:s`, updated: false })
    assert.deepEqual([made.data.shown, made.data.secret, made.data._rev], ['POST', undefined, made.rev])

    const fixed = (await ask(`${path}/fixed`, { method: 'PUT', body: { secret: 's' } })).json
    assert.deepEqual(await stored('fixed'), { sealed: 'fixed:s', updated: false })
    const update = { method: 'PUT', body: { _id: 'fixed', _rev: fixed.rev, secret: 't' } }
    assert.equal((await ask(`${path}/fixed`, update)).json.data.shown, 'PUT')
    assert.deepEqual(await stored('fixed'), { sealed: 'fixed:t', updated: true })

    const [one, two] = (await post('_bulk_docs', { docs: [{ secret: 'a' }, { _id: 'bulk', secret: 'b' }] })).json
    assert.deepEqual(await stored(one.id), { sealed: `${one.id}:a`, updated: false })
    assert.deepEqual([two.id, await stored('bulk')], ['bulk', { sealed: 'bulk:b', updated: false }])

    const docs = [{ _id: 'far', _rev: '2-b', _revisions: { start: 2, ids: ['b', 'a'] }, secret: 'c' }]
    await post('_bulk_docs', { docs, new_edits: false })
    assert.deepEqual(await stored('far'), { sealed: 'far:c', updated: false })
    // As a conflict, too.
    await post('_bulk_docs', {
      docs: [{ ...docs[0], _rev: '2-a', _revisions: { start: 2, ids: ['a', 'x'] } }],
      new_edits: false,
    })
    const open = (await ask(`${path}/far?open_revs=all`)).text
    assert.doesNotMatch(open, /"secret"/)
    assert.equal(open.match(/far:c/g)?.length, 2)
    assert.deepEqual(
      writers,
      [false, true, true, false, true, true, true].map(named => `CLI ${named}`),
    )
  })

  it('tombstones keep no content that the behaviour has not seen', async () => {
    const { id, rev } = (await post('', { secret: 's' })).json
    await post('_bulk_docs', { docs: [{ _id: id, _rev: rev, _deleted: true, secret: 'plain' }] })
    assert.deepEqual(await stored(id), {})
    const far = { _id: 'fardead', _rev: '1-a', _deleted: true, secret: 'plain' }
    await post('_bulk_docs', { docs: [far], new_edits: false })
    assert.deepEqual(await stored('fardead'), {})
  })

  it('refuses a document by itself', async () => {
    assert.deepEqual((await post('', { refuse: true })).json, { error: 'code=403, message=not this one' })
    const docs = [{ _id: 'no', refuse: true }, { _id: 'yes' }]
    const { json } = await post('_bulk_docs', { docs })
    assert.deepEqual(json[0], { id: 'no', error: 'forbidden', reason: 'not this one' })
    assert.equal(json[1].ok, true)
    const far = [
      { _id: 'no2', _rev: '1-a', refuse: true },
      { _id: 'yes2', _rev: '1-a' },
    ]
    const replicated = (await post('_bulk_docs', { docs: far, new_edits: false })).json
    assert.deepEqual(
      replicated.map((one: { error?: string }) => one.error),
      ['forbidden', undefined],
    )
    assert.equal(await stored('no2'), undefined)
  })

  it('shows single documents in its way, lists as they are stored', async () => {
    const { id } = (await post('', { secret: 's' })).json
    const read = (await ask(`${path}/${id}?include=secret`)).json
    assert.deepEqual([read.shown, read.open, read._type], ['GET', true, T])
    assert.doesNotMatch((await ask(`${path}/_all_docs?include_docs=true`)).text, /shown/)
    assert.doesNotMatch((await ask(`${path}/_changes?include_docs=true`)).text, /shown/)
    assert.doesNotMatch((await post('_bulk_get', { docs: [{ id }] })).text, /shown/)
    assert.doesNotMatch((await ask(`${path}/${id}?open_revs=all`)).text, /shown/)
  })

  it('may put a document in order before it is read', async () => {
    const { id } = await server.ground.documents.of(server.tenant).create(T, { untidy: true })
    const read = (await ask(`${path}/${id}?revs=true`)).json
    assert.deepEqual([read.tidied, read._rev.slice(0, 2), read._revisions.start], [true, '2-', 2])
    const { id: other } = await server.ground.documents.of(server.tenant).create(T, { untidy: true })
    assert.equal((await ask(`${path}/${other}`, { scope: 'io.cozy.bills' })).status, 403)
    assert.deepEqual(await stored(other), { untidy: true })
  })

  it('may know other revisions', async () => {
    const { id, rev } = (await post('', { secret: 's' })).json
    assert.equal((await ask(`${path}/${id}?rev=${rev}`)).json._rev, rev)
    const old = (await ask(`${path}/${id}?rev=7-old`)).json
    assert.deepEqual([old._rev, old.n, old.shown], ['7-old', 7, 'GET'])
    assert.equal((await ask(`${path}/gone?rev=7-old`)).json.n, 7)
    assert.equal((await ask(`${path}/${id}?rev=8-x`)).status, 404)
    assert.equal((await ask(`${path}/gone?rev=8-x`)).status, 404)
    assert.equal((await ask(`${path}/${id}?rev=7-old`, { scope: 'io.cozy.bills' })).status, 403)
    assert.equal((await ask(`${path}/gone?rev=8-x`, { scope: `${T}:GET:x` })).status, 403)
  })

  it('[do not copy] hears of every deletion, in the same transaction', async () => {
    const fresh = async (id: string) => (await ask(`${path}/${id}`, { method: 'PUT', body: { secret: id } })).json.rev
    const [a, b, c] = [await fresh('del-a'), await fresh('del-b'), await fresh('del-c')]
    await ask(`${path}/del-a?rev=${a}`, { method: 'DELETE' })
    await post('_bulk_docs', { docs: [{ _id: 'del-b', _rev: b, _deleted: true }] })
    const [generation, hash] = c.split('-')
    const far = { _id: 'del-c', _rev: '2-z', _deleted: true, _revisions: { start: 2, ids: ['z', hash] } }
    assert.equal(generation, '1')
    await post('_bulk_docs', { docs: [far], new_edits: false })
    assert.deepEqual(deleted, [`del-a ${a} true`, `del-b ${b} true`, `del-c ${c} true`])
    for (const id of ['del-a', 'del-b', 'del-c']) assert.ok((await graves()).includes(id))
    // Refused, unknown, known already: nothing was deleted.
    await ask(`${path}/del-a?rev=${a}`, { method: 'DELETE' })
    await post('_bulk_docs', { docs: [far], new_edits: false })
    assert.equal(deleted.length, 3)
  })

  it('is not told of a deletion while a conflict lives', async () => {
    const docs = ['x', 'y'].map(hash => ({ _id: 'two', _rev: `1-${hash}`, secret: hash }))
    await post('_bulk_docs', { docs, new_edits: false })
    await ask(`${path}/two?rev=1-y`, { method: 'DELETE' })
    assert.deepEqual([deleted, (await stored('two'))?.sealed], [[], 'two:x'])
    await ask(`${path}/two?rev=1-x`, { method: 'DELETE' })
    assert.deepEqual(deleted, ['two 1-x true'])
  })

  it('[do not copy] hears of every document of a database that is dropped', async () => {
    const docs = Array.from({ length: 30 }, (_, n) => ({ _id: `drop${n}` }))
    await post('_bulk_docs', { docs })
    const conflicts = ['x', 'y'].map(hash => ({ _id: 'dropped-twice', _rev: `1-${hash}` }))
    await post('_bulk_docs', { docs: conflicts, new_edits: false })
    assert.equal((await ask(path, { method: 'DELETE' })).status, 200)
    const told = new Set(deleted.map(line => line.split(' ')[0]))
    for (const { _id } of [...docs, ...conflicts]) assert.ok(told.has(_id), _id)
    assert.equal((await ask(path)).status, 404)
    assert.equal((await ask(path, { method: 'DELETE' })).status, 404)
  })

  it('has one only', () => {
    assert.throws(() => server.data.behave(T, {}), /behaviour already/)
  })
})
