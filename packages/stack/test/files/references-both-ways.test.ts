import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { type Entry, FILES, ROOT_ID } from '../../src/rooms/files/record.ts'
import { openReadingHouse } from './reading-house.ts'

const house = await openReadingHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, directory, file, root } = house
const documents = house.ground.documents.of(house.alice)

const body = (...references: { type: string; id: string }[]) => ({ data: references })
const filesOf = (...entries: Entry[]) => body(...entries.map(({ _id }) => ({ type: FILES, id: _id })))
const stored = async (entry: Entry) => (await documents.get(FILES, entry._id))?.body.referenced_by
const revOf = async (entry: Entry) => (await documents.get(FILES, entry._id))?.rev
const bill = (id: string) => ({ type: 'io.cozy.bills', id })
const path = (type: string, id: string) => `/data/${type}/${encodeURIComponent(id)}/relationships/references`

async function listed(type: string, id: string, query = ''): Promise<string[]> {
  const answer = await ask(`${path(type, id)}${query}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data.map((item: { id: string }) => item.id)
}

describe('who may not', async () => {
  const some = await file(root, 'who may not.pdf')
  const onFile = `/files/${some._id}/relationships/referenced_by`
  const onBill = path('io.cozy.bills', 'b0')

  test('no token, no rule, another verb', async () => {
    for (const method of ['POST', 'DELETE']) {
      assert.equal((await ask(onFile, { method, body: body(bill('b0')), scope: null })).status, 401)
      assert.equal((await ask(onBill, { method, body: filesOf(some), scope: null })).status, 401)
      const other = 'io.cozy.files:GET,POST,PUT io.cozy.bills:GET,POST,PATCH'
      assert.equal((await ask(onFile, { method, body: body(bill('b0')), scope: other })).status, 403)
      assert.equal((await ask(onBill, { method, body: filesOf(some), scope: other })).status, 403)
    }
    assert.equal((await ask(onBill, { scope: null })).status, 401)
    assert.equal((await ask(onBill, { scope: 'io.cozy.files:PATCH io.cozy.bills:PUT' })).status, 403)
    assert.equal((await ask(onBill, { scope: `io.cozy.files:GET:${ROOT_ID} io.cozy.bills:GET:b1` })).status, 403)
    assert.equal(await stored(some), undefined)
  })

  test('each of the alternatives is enough', async () => {
    for (const scope of ['io.cozy.files:GET', 'io.cozy.bills:GET', 'io.cozy.bills:GET:b0']) {
      assert.equal((await ask(onBill, { scope })).status, 200, scope)
    }
    for (const scope of ['io.cozy.files:PATCH', 'io.cozy.bills:PUT', 'io.cozy.bills:PUT:b0']) {
      assert.equal((await ask(onBill, { method: 'POST', body: filesOf(some), scope })).status, 204, scope)
    }
    for (const scope of ['io.cozy.files:PATCH', 'io.cozy.bills:DELETE', 'io.cozy.bills:DELETE:b0']) {
      assert.equal((await ask(onBill, { method: 'DELETE', body: filesOf(some), scope })).status, 204, scope)
    }
    const patch = `io.cozy.files:PATCH:${some._id}`
    assert.equal((await ask(onFile, { method: 'POST', body: body(bill('b0')), scope: patch })).status, 200)
    assert.equal((await ask(onFile, { method: 'DELETE', body: body(bill('b0')), scope: patch })).status, 403)
    const remove = `io.cozy.files:DELETE:${some._id}`
    assert.equal((await ask(onFile, { method: 'DELETE', body: body(bill('b0')), scope: remove })).status, 200)
  })

  test('removing from a directory is judged by that directory (upstream judges nothing)', async () => {
    const mine = await directory(root, 'mine', { referenced_by: [bill('d')] })
    const theirs = await directory(root, 'theirs', { referenced_by: [bill('d')] })
    const ask1 = (entry: Entry, scope: string) =>
      ask(`/files/${entry._id}/relationships/referenced_by`, { method: 'DELETE', body: body(bill('d')), scope })
    const scope = `io.cozy.files:DELETE:${mine._id}`
    assert.equal((await ask1(theirs, scope)).status, 403)
    assert.deepEqual(await stored(theirs), [bill('d')])
    assert.equal((await ask1(theirs, 'io.cozy.files:DELETE:directory:class')).status, 403)
    assert.equal((await ask1(mine, scope)).status, 200)
    assert.equal(await stored(mine), undefined)
    // An ancestor's rule reaches it.
    assert.equal((await ask1(theirs, `io.cozy.files:DELETE:${ROOT_ID}`)).status, 200)
  })

  test('another instance has neither the file nor the list', async () => {
    const foreign = await ask(onBill, { method: 'POST', body: filesOf(some), scope: '*', tenant: house.bob })
    assert.equal(foreign.status, 404)
    await ask(onBill, { method: 'POST', body: filesOf(some) })
    const { json } = await ask(onBill, { scope: '*', tenant: house.bob })
    assert.deepEqual(json, { data: [], meta: { count: 0 }, links: {} })
  })

  test('nobody opens a file to itself by making it refer to what its rules name', async () => {
    const secret = await file(root, 'secret.pdf')
    const konnector = 'io.cozy.konnectors/acme'
    const scope = `io.cozy.files:GET,PATCH:${konnector}:referenced_by io.cozy.konnectors:PUT`
    assert.equal((await ask(`/files/${secret._id}`, { scope })).status, 403)
    const attach = () => ask(path('io.cozy.konnectors', konnector), { method: 'POST', body: filesOf(secret), scope })
    assert.equal((await attach()).status, 403)
    assert.equal((await ask(`/files/${secret._id}`, { scope })).status, 403)
    assert.equal(await stored(secret), undefined)
    // By PATCH on the file alone neither: it would give GET.
    const patching = `io.cozy.files:PATCH:${secret._id} io.cozy.files:GET:${konnector}:referenced_by`
    const reference = { type: 'io.cozy.konnectors', id: konnector }
    const onSecret = `/files/${secret._id}/relationships/referenced_by`
    assert.equal((await ask(onSecret, { method: 'POST', body: body(reference), scope: patching })).status, 403)
    assert.equal((await ask(onSecret, { method: 'POST', body: body(bill('b9')), scope: patching })).status, 200)
    // Who may read and change all files gains nothing by it.
    const whole = `io.cozy.files ${scope}`
    const allowed = await ask(path('io.cozy.konnectors', konnector), {
      method: 'POST',
      body: filesOf(secret),
      scope: whole,
    })
    assert.equal(allowed.status, 204)
  })
})

describe('on a file or directory', () => {
  for (const kind of ['file', 'directory'] as const) {
    test(`a ${kind} keeps each reference once, and is not written when nothing changes`, async () => {
      const entry = await (kind === 'file' ? file : directory)(root, `once ${kind}`)
      const at = `/files/${entry._id}/relationships/referenced_by`
      const first = await ask(at, { method: 'POST', body: body(bill('1'), bill('2'), bill('1')) })
      assert.equal(first.status, 200)
      const rev = await revOf(entry)
      assert.deepEqual(first.json, { data: [bill('1'), bill('2')], meta: { rev, count: 2 } })
      const again = await ask(at, { method: 'POST', body: body(bill('2')) })
      assert.deepEqual(again.json, first.json)
      // One identifier alone is a body, too.
      const third = await ask(at, { method: 'POST', body: { data: bill('3') } })
      assert.deepEqual(third.json.data, [bill('1'), bill('2'), bill('3')])
      const less = await ask(at, { method: 'DELETE', body: body(bill('1'), bill('3'), bill('unknown')) })
      assert.deepEqual(less.json, { data: [bill('2')], meta: { rev: await revOf(entry), count: 1 } })
      const none = await ask(at, { method: 'DELETE', body: body(bill('2')) })
      assert.deepEqual(none.json.data, [])
      assert.equal(await stored(entry), undefined)
    })
  }

  test('the same id under another doctype is another reference', async () => {
    const entry = await file(root, 'two types.pdf')
    const at = `/files/${entry._id}/relationships/referenced_by`
    await ask(at, { method: 'POST', body: body({ type: 'a', id: 'x' }, { type: 'b', id: 'x' }) })
    const { json } = await ask(at, { method: 'DELETE', body: body({ type: 'a', id: 'x' }) })
    assert.deepEqual(json.data, [{ type: 'b', id: 'x' }])
  })

  test('what is malformed is a 400, what is not there a 404', async () => {
    const entry = await file(root, 'malformed.pdf')
    const at = `/files/${entry._id}/relationships/referenced_by`
    for (const bad of [
      '{',
      {},
      [],
      { data: null },
      { data: [{ id: 'x' }] },
      { data: [{ type: '', id: 'x' }] },
      { data: [{ type: 'a', id: 'nul\0' }] },
      { data: [{ type: 'a', id: 'x'.repeat(1025) }] },
      '{"data":[{"type":"a","id":"\\ud800"}]}',
      { data: [{ type: 'a', id: 7 }] },
    ]) {
      for (const method of ['POST', 'DELETE']) {
        assert.equal((await ask(at, { method, body: bad })).status, 400, JSON.stringify(bad))
      }
    }
    for (const id of ['unknown', '%00']) {
      const there = `/files/${id}/relationships/referenced_by`
      assert.equal((await ask(there, { method: 'POST', body: body(bill('x')) })).status, 404)
    }
    assert.equal((await ask(at, { method: 'POST', body: { data: [] } })).status, 200)
  })

  test('many at the same time: none is lost', async () => {
    const entry = await file(root, 'many.pdf')
    const at = `/files/${entry._id}/relationships/referenced_by`
    const ids = Array.from({ length: 20 }, (_, number) => String(number))
    const answers = await Promise.all(ids.map(id => ask(at, { method: 'POST', body: body(bill(id)) })))
    assert.ok(answers.every(({ status }) => status === 200))
    const all = (await stored(entry)) as { id: string }[]
    assert.deepEqual(all.map(({ id }) => id).sort(), ids.sort())
  })
})

describe('from the document', () => {
  test('the way of a konnector: add, list with the files, remove', async () => {
    const konnector = 'io.cozy.konnectors/shop'
    const folder = await directory(root, 'Shop')
    const pdf = await file(folder, 'shop.pdf')
    const at = path('io.cozy.konnectors', konnector)
    assert.equal(at, '/data/io.cozy.konnectors/io.cozy.konnectors%2Fshop/relationships/references')
    const added = await ask(at, { method: 'POST', body: filesOf(folder, pdf, folder) })
    assert.deepEqual([added.status, added.text], [204, ''])
    const rev = await revOf(folder)
    assert.equal((await ask(at, { method: 'POST', body: filesOf(folder) })).status, 204)
    assert.equal(await revOf(folder), rev, 'doing it again writes nothing')

    const { json, headers } = await ask(`${at}?include=files`)
    assert.match(headers['content-type'] as string, /^application\/vnd\.api\+json/)
    const ids = [folder._id, pdf._id].sort()
    assert.deepEqual(
      json.data,
      ids.map(id => ({ id, type: FILES })),
    )
    assert.deepEqual([json.meta, json.links], [{ count: 2 }, {}])
    const reference = { type: 'io.cozy.konnectors', id: konnector }
    const included = new Map(json.included.map((object: { id: string }) => [object.id, object])) as Map<
      string,
      { attributes: Record<string, unknown>; relationships: { referenced_by: { data: unknown } } }
    >
    assert.deepEqual(included.get(folder._id)?.attributes.referenced_by, [reference])
    assert.equal(included.get(folder._id)?.attributes.path, '/Shop')
    assert.equal(included.get(pdf._id)?.attributes.referenced_by, undefined)
    assert.deepEqual(included.get(pdf._id)?.relationships.referenced_by.data, [reference])
    assert.equal((await ask(at)).json.included, undefined)

    assert.equal((await ask(at, { method: 'DELETE', body: filesOf(pdf) })).status, 204)
    assert.deepEqual(await listed('io.cozy.konnectors', konnector), [folder._id])
  })

  test('the document need not exist, whatever it is called', async () => {
    const some = await file(root, 'nothing behind.pdf')
    for (const [type, id] of [
      ['io.cozy.accounts.contracts', 'undefined'],
      ['io.cozy.accounts.sourceAccountIdentifier', 'me@mail.net'],
      ['Not A Doctype', '%2F?&#'],
      ['io.cozy.jobs', 'ü/€'],
    ] as const) {
      const at = `/data/${encodeURIComponent(type)}/${encodeURIComponent(id)}/relationships/references`
      assert.equal((await ask(at, { method: 'POST', body: filesOf(some) })).status, 204, type)
      assert.deepEqual((await ask(at)).json.data, [{ id: some._id, type: FILES }], type)
    }
    const nul = '/data/a/%00/relationships/references'
    assert.equal((await ask(nul, { method: 'POST', body: filesOf(some) })).status, 400)
    assert.equal((await ask(nul)).status, 200)
  })

  test('all or none: with one unknown file nothing is written', async () => {
    const some = await file(root, 'all or none.pdf')
    const at = path('io.cozy.bills', 'all-or-none')
    for (const [id, status] of [
      ['unknown', 404],
      ['nul\0', 400],
    ] as const) {
      const answer = await ask(at, {
        method: 'POST',
        body: body({ type: FILES, id: some._id }, { type: FILES, id }),
      })
      assert.deepEqual([answer.status, answer.json.errors[0].status], [status, String(status)])
    }
    assert.equal(await stored(some), undefined)
    assert.deepEqual(await listed('io.cozy.bills', 'all-or-none'), [])
  })

  test('old references with a literal %2F are found, and go', async () => {
    const legacy = { type: 'io.cozy.konnectors', id: 'io.cozy.konnectors%2Fold' }
    const some = await directory(root, 'legacy', { referenced_by: [legacy] })
    assert.deepEqual(await listed('io.cozy.konnectors', 'io.cozy.konnectors/old'), [some._id])
    const at = path('io.cozy.konnectors', 'io.cozy.konnectors/old')
    assert.equal((await ask(at, { method: 'DELETE', body: filesOf(some) })).status, 204)
    assert.deepEqual(await listed('io.cozy.konnectors', 'io.cozy.konnectors/old'), [])
  })

  test('the list follows changes made by others: other references, trash, destruction', async () => {
    const some = await file(root, 'followed.pdf', 'x', { referenced_by: [bill('f1'), bill('f2')] })
    assert.deepEqual(await listed('io.cozy.bills', 'f1'), [some._id])
    const now = await documents.get(FILES, some._id)
    const trashed = await documents.update(FILES, some._id, now?.rev ?? '', {
      ...now?.body,
      trashed: true,
      dir_id: house.trash._id,
      referenced_by: [bill('f2'), bill('f3')],
    })
    assert.deepEqual(await listed('io.cozy.bills', 'f1'), [])
    assert.deepEqual(await listed('io.cozy.bills', 'f2'), [some._id], 'in the trash it is still listed')
    assert.deepEqual(await listed('io.cozy.bills', 'f3'), [some._id])
    await documents.remove(FILES, some._id, trashed.rev)
    assert.deepEqual(await listed('io.cozy.bills', 'f2'), [])
    // A change that is undone leaves the list as it was.
    const kept = await file(root, 'kept.pdf', 'x', { referenced_by: [bill('k')] })
    await assert.rejects(
      house.ground.documents.transaction(house.alice, async writer => {
        await writer.remove(FILES, kept._id, kept._rev)
        throw new Error('undone')
      }),
      /undone/,
    )
    assert.deepEqual(await listed('io.cozy.bills', 'k'), [kept._id])
  })
})

describe('sorting and pages', async () => {
  const owner = bill('sorted')
  const dates = ['2026-01-01T01:00:00+02:00', '2026-01-01T00:00:00Z', undefined, 'no date', '2025-06-01']
  const entries = []
  for (const [index, datetime] of dates.entries()) {
    const metadata = datetime === undefined ? {} : { metadata: { datetime } }
    entries.push(
      await file(root, `sorted ${index}`, 'x', {
        referenced_by: [owner],
        created_at: '2026-02-02T00:00:00Z',
        ...metadata,
      }),
    )
  }
  const ids = entries.map(({ _id }) => _id)
  const byDate = [4, 0, 1, 2, 3].map(index => ids[index] as string)

  async function walk(query: string): Promise<{ ids: string[]; pages: number }> {
    const all: string[] = []
    let pages = 0
    let next: string | undefined = `${path(owner.type, owner.id)}?${query}`
    while (next) {
      const answer = (await ask(next)).json as {
        data: { id: string }[]
        meta: { count: number }
        links: { next?: string }
        included?: { id: string }[]
      }
      assert.equal(answer.meta.count, 5, 'the count is of all')
      if (query.includes('include=files')) {
        assert.deepEqual(
          answer.included?.map(({ id }) => id),
          answer.data.map(({ id }) => id),
        )
      }
      all.push(...answer.data.map(({ id }) => id))
      next = answer.links.next
      pages++
    }
    return { ids: all, pages }
  }

  test('by id and by date, both ways, in pages of any size', async () => {
    for (const limit of [1, 2, 5, 7]) {
      const pages = Math.ceil(5 / limit)
      assert.deepEqual(await walk(`page[limit]=${limit}`), { ids: ids.toSorted(), pages })
      assert.deepEqual((await walk(`page[limit]=${limit}&sort=-id`)).ids, ids.toSorted().reverse())
      assert.deepEqual((await walk(`page[limit]=${limit}&sort=datetime`)).ids, byDate)
      assert.deepEqual((await walk(`page[limit]=${limit}&sort=-datetime&include=files`)).ids, byDate.toReversed())
    }
  })

  test('the page is bounded, and what is no page a 400', async () => {
    const at = path(owner.type, owner.id)
    const limits = [
      ['page[limit]=100000', 200],
      ['page[limit]=', 200],
      ['page[limit]=0', 400],
      ['page[limit]=x', 400],
      ['sort=name', 400],
      ['sort=datetime,id', 400],
      ['page[cursor]=x', 400],
      ['page[cursor]=%5B1%2C2%5D', 400],
      ['page[cursor]=%5Bnull%2C%22x%22%5D', 400],
      ['page[cursor]=%5B%22%5Cu0000%22%2C%22x%22%5D', 400],
    ] as const
    for (const [query, status] of limits) assert.equal((await ask(`${at}?${query}`)).status, status, query)
  })
})

describe('directories that a client does not synchronise', () => {
  const client = { type: 'io.cozy.oauth.clients', id: 'c1' }

  test('from both sides, for directories only', async () => {
    const folder = await directory(root, 'unsynchronised')
    const other = await directory(root, 'unsynchronised too')
    const pdf = await file(root, 'unsynchronised.pdf')
    const onFolder = `/files/${folder._id}/relationships/not_synchronized_on`
    const added = await ask(onFolder, { method: 'POST', body: body(client, client) })
    assert.deepEqual(added.json, { data: [client], meta: { rev: await revOf(folder), count: 1 } })
    assert.deepEqual((await ask(`/files/${folder._id}`)).json.data.relationships.not_synchronized_on.data, [client])

    const onClient = '/data/io.cozy.oauth.clients/c1/relationships/not_synchronizing'
    assert.equal((await ask(onClient, { method: 'POST', body: filesOf(other) })).status, 204)
    const { json } = await ask(`${onClient}?include=files`)
    assert.deepEqual(
      json.included.map((object: { id: string }) => object.id),
      [folder._id, other._id].sort(),
    )
    assert.deepEqual(await listed(client.type, client.id), [], 'it is no reference')
    for (const [at, content] of [
      [`/files/${pdf._id}/relationships/not_synchronized_on`, body(client)],
      [onClient, filesOf(pdf)],
    ] as const) {
      assert.equal((await ask(at, { method: 'POST', body: content })).status, 400)
    }
    assert.equal((await ask(onClient, { method: 'DELETE', body: filesOf(folder) })).status, 204)
    const gone = await ask(`/files/${other._id}/relationships/not_synchronized_on`, {
      method: 'DELETE',
      body: body(client),
    })
    assert.deepEqual(gone.json.data, [])
    assert.deepEqual((await ask(onClient)).json.data, [])
  })

  test('with the same permissions', async () => {
    const folder = await directory(root, 'unsynchronised, permissions')
    const onFolder = `/files/${folder._id}/relationships/not_synchronized_on`
    const onClient = '/data/io.cozy.oauth.clients/c1/relationships/not_synchronizing'
    for (const method of ['POST', 'DELETE']) {
      assert.equal((await ask(onFolder, { method, body: body(client), scope: 'io.cozy.files:GET' })).status, 403)
      assert.equal((await ask(onClient, { method, body: filesOf(folder), scope: 'io.cozy.files:GET' })).status, 403)
    }
    assert.equal((await ask(onClient, { scope: 'io.cozy.bills' })).status, 403)
  })
})
