import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Document } from '@konnectory/protocol'
import {
  getCozyMetadata,
  hydrate,
  saveIdentity,
  saveRecords,
  updateOrCreate,
  WriteError,
  writeDocuments,
} from '../../src/save/index.ts'
import { byKind, openHouse } from './house.ts'

const TYPE = 'io.cozy.test'

describe('writing documents', () => {
  test('creates and updates in one request per 1,000, in order, as the stack holds them', async () => {
    await using house = await openHouse()
    const docs = Array.from({ length: 1001 }, (_, n) => ({ n, date: new Date(0) }))
    const saved = await writeDocuments(house.client, TYPE, docs)
    assert.deepEqual(
      saved.map(({ n }) => n),
      docs.map(({ n }) => n),
    )
    assert.equal(saved[0]?.date, '1970-01-01T00:00:00.000Z')
    assert.ok(saved.every(({ _id, _rev }) => _id && _rev))
    // The 1,001st is alone: one document needs no bulk.
    assert.deepEqual(byKind(house.take()), { [`POST /data/${TYPE}/_bulk_docs`]: 1, [`POST /data/${TYPE}/`]: 1 })
    await writeDocuments(
      house.client,
      TYPE,
      saved.slice(0, 2).map(doc => ({ ...doc, n: -1 })),
    )
    assert.equal((await house.client.data.get(TYPE, saved[1]?._id as string)).n, -1)
  })

  test('a conflict is read again and written once more, over what the other wrote', async () => {
    await using house = await openHouse()
    const [a, b] = await writeDocuments(house.client, TYPE, [{ n: 1 }, { n: 2 }])
    await house.client.data.update(TYPE, { ...a, theirs: true } as Document)
    const [again] = await writeDocuments(house.client, TYPE, [
      { ...a, n: 10 },
      { ...b, n: 20 },
    ])
    assert.equal(again?.n, 10)
    assert.equal((await house.client.data.get(TYPE, a?._id as string)).theirs, true)
  })

  test('what cannot be written is said, with what was', async () => {
    await using house = await openHouse()
    const [gone] = await writeDocuments(house.client, TYPE, [{ n: 1 }])
    await house.client.data.delete(TYPE, gone as { _id: string; _rev: string })
    const error = await writeDocuments(house.client, TYPE, [{ ...gone, n: 2 }, { n: 3 }]).then(
      () => assert.fail('it should reject'),
      reason => reason as WriteError,
    )
    assert.ok(error instanceof WriteError)
    assert.match(error.message, /^1 of 2 documents of io.cozy.test could not be written/)
    assert.deepEqual(
      error.saved.map(({ n }) => n),
      [3],
    )
    assert.equal(error.failed[0]?.doc.n, 2)
  })

  test('without the right to write in bulk, documents go one by one', async () => {
    await using house = await openHouse()
    house.intercept = (message, response) => {
      if (!message.url?.endsWith('_bulk_docs')) return false
      response.writeHead(403).end('{"error":"code=403, message=Forbidden"}')
      return true
    }
    assert.equal((await writeDocuments(house.client, TYPE, [{ n: 1 }, { n: 2 }])).length, 2)
  })

  test('accounts are never written in bulk: they would not be encrypted', async () => {
    await using house = await openHouse()
    await writeDocuments(house.client, 'io.cozy.accounts', [{ a: 1 }, { a: 2 }])
    assert.ok(!house.requests.some(request => request.includes('_bulk_docs')))
  })
})

describe('comparing with what is stored', () => {
  test('known documents get _id, _rev and cozyMetadata; new ones are to be written', async () => {
    await using house = await openHouse()
    const [known] = await writeDocuments(house.client, TYPE, [{ ref: 'a', cozyMetadata: { createdByApp: 'acme' } }])
    const documents: Document[] = [{ ref: 'a' }, { ref: 'b' }, { ref: 'a', cozyMetadata: { own: 1 } }]
    const { toWrite } = await hydrate(house.client, documents, TYPE, { keys: ['ref'] })
    assert.deepEqual(toWrite, [{ ref: 'b' }])
    assert.deepEqual(documents[0], {
      ref: 'a',
      _id: known?._id,
      _rev: known?._rev,
      cozyMetadata: { createdByApp: 'acme' },
    })
    assert.deepEqual(documents[2]?.cozyMetadata, { own: 1 })
  })

  test('dates are equal to their text, to the second', async () => {
    await using house = await openHouse()
    await writeDocuments(house.client, TYPE, [{ date: '2025-01-01T10:00:00.000Z' }])
    const documents = [{ date: new Date('2025-01-01T10:00:00.900Z') }, { date: new Date('2025-01-01T10:00:01.000Z') }]
    const { toWrite } = await hydrate(house.client, documents, TYPE, { keys: ['date'] })
    assert.deepEqual(toWrite, [documents[1]])
  })

  test('decisions: of the entry before the options, async allowed, methods by their number of parameters', async () => {
    await using house = await openHouse()
    await writeDocuments(house.client, TYPE, [{ ref: 'a', v: 1 }])
    const filter = async (document: object, options: object) =>
      (await hydrate(house.client, [document], TYPE, { keys: ['ref'], ...options })).toWrite.length
    assert.equal(await filter({ ref: 'a', v: 2 }, {}), 0)
    assert.equal(
      await filter({ ref: 'a', v: 2 }, { shouldUpdate: async (doc: Document, old: Document) => doc.v !== old.v }),
      1,
    )
    function onlyExisting(this: Document, existing: Document) {
      return this.v === 2 && existing.v === 1
    }
    assert.equal(await filter({ ref: 'a', v: 2 }, { shouldUpdate: onlyExisting }), 1)
    assert.equal(await filter({ ref: 'a', v: 2, shouldUpdate: () => false }, { shouldUpdate: () => true }), 0)
    assert.equal(await filter({ ref: 'b', v: 2 }, { shouldSave: (doc: Document) => doc.v === 3 }), 0)
    function own(this: Document) {
      return this.v === 2
    }
    assert.equal(await filter({ ref: 'b', v: 2 }, { shouldSave: own }), 1)
  })

  test('a document is written once even when two entries are it', async () => {
    await using house = await openHouse()
    await writeDocuments(house.client, TYPE, [{ ref: 'a' }])
    const { toWrite } = await hydrate(house.client, [{ ref: 'a' }, { ref: 'a' }], TYPE, {
      keys: ['ref'],
      shouldUpdate: () => true,
    })
    assert.equal(toWrite.length, 1)
  })

  test('a selector narrows what is looked at', async () => {
    await using house = await openHouse()
    await writeDocuments(house.client, TYPE, [
      { ref: 'a', of: 'x' },
      { ref: 'a', of: 'y' },
    ])
    const document: Document = { ref: 'a' }
    await hydrate(house.client, [document], TYPE, { keys: ['ref'], selector: { of: 'x' } })
    assert.equal((await house.client.data.get(TYPE, document._id as string)).of, 'x')
  })

  test('saveRecords writes what is new, gives the ids back, and nothing the second time', async () => {
    await using house = await openHouse()
    const documents = () => Array.from({ length: 5 }, (_, n): Document => ({ ref: n }))
    const first = documents()
    await saveRecords(house.context, first, TYPE, { keys: ['ref'] })
    assert.ok(first.every(({ _id }) => _id))
    assert.deepEqual(await saveRecords(house.context, documents(), TYPE, { keys: ['ref'] }), [])
    const [doc] = await house.client.data.all(TYPE)
    assert.equal(doc?.cozyMetadata?.sourceAccount, 'account1')
  })
})

describe('updateOrCreate', () => {
  const upsert = (house: Awaited<ReturnType<typeof openHouse>>, entries: Document[], keys = ['ref']) =>
    updateOrCreate(house.context, entries, TYPE, keys)

  test('updates what matches, creates the rest, answers in order', async () => {
    await using house = await openHouse()
    const [created] = await upsert(house, [{ ref: 'a', v: 1, kept: true }])
    const [b, a] = await upsert(house, [{ ref: 'b' }, { ref: 'a', v: 2 }])
    assert.equal(b?.ref, 'b')
    assert.equal(a?._id, created?._id)
    assert.equal(a?.v, 2)
    assert.equal(a?.kept, true)
    assert.equal(a?.cozyMetadata?.createdAt, created?.cozyMetadata?.createdAt)
    assert.equal(a?.cozyMetadata?.sourceAccountIdentifier, 'me@mail.test')
  })

  test('nothing is written when nothing changed', async () => {
    await using house = await openHouse()
    const [first] = await upsert(house, [{ ref: 'a', v: { w: [1] }, date: new Date(0) }])
    house.take()
    const [second] = await upsert(house, [{ ref: 'a', v: { w: [1] }, date: new Date(0) }])
    assert.equal(second?._rev, first?._rev)
    assert.deepEqual(byKind(house.take()), { [`POST /data/${TYPE}/_all_docs`]: 1 })
  })

  test('FIX-18: without attributes everything is created', async () => {
    await using house = await openHouse()
    await upsert(house, [{ ref: 'a' }], [])
    await upsert(house, [{ ref: 'b' }], [])
    assert.equal((await house.client.data.all(TYPE)).length, 2)
  })

  test('two entries of one document: the second over the first; new ones do not see each other', async () => {
    await using house = await openHouse()
    await upsert(house, [{ ref: 'a' }])
    const [one, two] = await upsert(house, [
      { ref: 'a', x: 1 },
      { ref: 'a', y: 2 },
    ])
    assert.deepEqual([one?.x, two?.y, one?._rev], [1, 2, two?._rev])
    await upsert(house, [{ ref: 'new' }, { ref: 'new' }])
    assert.equal((await house.client.data.all(TYPE)).length, 3)
  })

  test('attributes may be paths', async () => {
    await using house = await openHouse()
    await upsert(house, [{ deep: { ref: 'a' } }], ['deep.ref', 'cozyMetadata.createdByApp'])
    await upsert(house, [{ deep: { ref: 'a' }, v: 2 }], ['deep.ref', 'cozyMetadata.createdByApp'])
    assert.equal((await house.client.data.all(TYPE)).length, 1)
  })
})

describe('saveIdentity', () => {
  const identities = (house: Awaited<ReturnType<typeof openHouse>>) => house.client.data.all('io.cozy.identities')

  test('one identity per account identifier, updated', async () => {
    await using house = await openHouse()
    const identity = { contact: { phone: '01 23' } }
    assert.equal(await saveIdentity(house.context, identity, 'me'), undefined)
    assert.deepEqual(identity, { contact: { phone: [{ number: '0123' }] }, identifier: 'me' })
    await saveIdentity(house.context, { contact: { email: 'a@b.c' } }, 'me')
    await saveIdentity(house.context, { name: { givenName: 'Bob' } }, 'other')
    const all = await identities(house)
    assert.deepEqual(all.map(({ identifier }) => identifier).sort(), ['me', 'other'])
    assert.equal(all.find(({ identifier }) => identifier === 'me')?.cozyMetadata?.sourceAccountIdentifier, 'me')
    assert.match(house.lines.join('\n'), /a contact was given instead of an identity/)
  })

  test('without identifier or identity: a warning, nothing else', async () => {
    await using house = await openHouse()
    await saveIdentity(house.context, { contact: {} }, undefined)
    await saveIdentity(house.context, undefined, 'me')
    assert.equal(house.lines.length, 2)
    assert.deepEqual(house.requests, [])
  })

  test('merge false: the contact is replaced, the rest stays', async () => {
    await using house = await openHouse()
    await saveIdentity(house.context, { contact: { name: { givenName: 'A' }, birthday: 'x' }, incomes: [1] }, 'me', {
      merge: false,
    })
    await saveIdentity(house.context, { contact: { name: { givenName: 'B' } } }, 'me', { merge: false })
    const [identity, ...others] = await identities(house)
    assert.deepEqual(others, [])
    assert.deepEqual(identity?.contact, { name: { givenName: 'B' } })
    assert.deepEqual(identity?.incomes, [1])
  })

  test('merge false: of several, the first is updated, with a warning', async () => {
    await using house = await openHouse()
    const twin = { identifier: 'me', contact: { old: true }, cozyMetadata: { createdByApp: 'acme' } }
    for (const _id of ['1', '2']) await house.client.data.create('io.cozy.identities', { _id, ...twin })
    await saveIdentity(house.context, { contact: { new: true } }, 'me', { merge: false })
    assert.deepEqual(
      (await identities(house)).map(({ contact }) => contact),
      [{ new: true }, { old: true }],
    )
    assert.match(house.lines.join('\n'), /warn: 2 identities/)
  })

  test('merge false: errors are only logged', async () => {
    await using house = await openHouse()
    house.intercept = (_message, response) => {
      response.writeHead(500).end('{"error":"down"}')
      return true
    }
    await saveIdentity(house.context, { contact: {} }, 'me', { merge: false })
    assert.match(house.lines.join('\n'), /error: Error while saving the identity: .*down/)
    await assert.rejects(saveIdentity(house.context, { contact: {} }, 'me'))
  })
})

test('cozyMetadata: defaults, data over them, this konnector’s item replaced', () => {
  const context = { manifest: { slug: 'acme', version: '2' }, now: () => new Date(0) }
  const date = '1970-01-01T00:00:00.000Z'
  assert.deepEqual(getCozyMetadata(context, { sourceAccount: 'a' }), {
    doctypeVersion: 1,
    metadataVersion: 1,
    createdAt: date,
    createdByApp: 'acme',
    createdByAppVersion: '2',
    updatedAt: date,
    updatedByApps: [{ slug: 'acme', date, version: '2' }],
    sourceAccount: 'a',
  })
  const other = { slug: 'other', date: 'x' }
  assert.deepEqual(getCozyMetadata(context, { updatedByApps: [other, { slug: 'acme', date: 'y' }] }).updatedByApps, [
    other,
    { slug: 'acme', date, version: '2' },
  ])
  assert.deepEqual(getCozyMetadata(context, { updatedByApps: [other] }).updatedByApps, [other])
})
