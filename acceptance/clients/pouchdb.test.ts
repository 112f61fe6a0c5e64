import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startStack } from '../help/stack.ts'
import { published } from './published.ts'

const PouchDB = published('pouchdb')

const stack = await startStack()
after(async () => {
  await Promise.all(open.map(database => database.close()))
  rmSync(folder, { recursive: true, force: true })
  await stack[Symbol.asyncDispose]()
})
const folder = mkdtempSync(join(tmpdir(), 'konnectory-pouchdb-'))
// biome-ignore lint/suspicious/noExplicitAny: databases as npm's client has them
const open: any[] = []
/** Requests to the server, in order. */
const asked: string[] = []

let count = 0
function local() {
  const database = new PouchDB(join(folder, `local${count++}`))
  open.push(database)
  return database
}

async function remote(doctype: string, scope = doctype) {
  const token = await stack.token(scope)
  return new PouchDB(`${stack.url}/data/${doctype}`, {
    fetch(url: string, options: { method?: string; headers: Headers }) {
      options.headers.set('Authorization', `Bearer ${token}`)
      asked.push(`${options.method ?? 'GET'} ${new URL(url).pathname.replace(`/data/${doctype}`, '')}`)
      return PouchDB.fetch(url, options)
    },
  })
}

const document = (n: number) => ({ _id: `doc${String(n).padStart(3, '0')}`, n, nested: { a: [n, null, 'é'] } })

/** Both ways until nothing moves. */
async function settle(database: ReturnType<typeof local>, ...others: unknown[]) {
  for (let round = 0; round < 5; round++) {
    let moved = 0
    for (const other of others) {
      const { push, pull } = await database.sync(other)
      assert.deepEqual([push.errors, pull.errors], [[], []])
      moved += push.docs_written + pull.docs_written
    }
    if (moved === 0) return
  }
  assert.fail('It does not settle')
}

test('500 documents go up and come down, the second time only what is new', async () => {
  const server = await remote('io.cozy.tests.many')
  const [one, two] = [local(), local()]
  await one.bulkDocs(Array.from({ length: 500 }, (_, n) => document(n)))
  const up = await one.replicate.to(server)
  assert.deepEqual([up.ok, up.docs_written, up.doc_write_failures], [true, 500, 0])
  assert.equal((await server.info()).doc_count, 500)
  const down = await two.replicate.from(server)
  assert.deepEqual([down.ok, down.docs_written], [true, 500])
  assert.deepEqual((await two.get('doc499')).nested, document(499).nested)
  assert.equal((await two.get('doc499'))._rev, (await one.get('doc499'))._rev)

  // The checkpoints are in `_local`: nothing is read again.
  asked.length = 0
  assert.equal((await one.replicate.to(server)).docs_read, 0)
  assert.equal((await two.replicate.from(server)).docs_read, 0)
  assert.ok(
    asked.some(line => line.startsWith('GET /_local/')),
    asked.join('\n'),
  )
  assert.ok(!asked.some(line => /_bulk_|_revs_diff/.test(line)), asked.join('\n'))
  assert.ok(asked.length <= 10, `${asked.length} requests:\n${asked.join('\n')}`)

  await one.put({ _id: 'new', n: -1 })
  assert.equal((await one.replicate.to(server)).docs_read, 1)
  assert.equal((await two.replicate.from(server)).docs_read, 1)
})

test('updates and deletions travel both ways', async () => {
  const server = await remote('io.cozy.tests.ways')
  const [one, two] = [local(), local()]
  await one.bulkDocs([1, 2, 3, 4].map(document))
  await settle(one, server)
  await settle(two, server)
  await one.put({ ...(await one.get('doc001')), by: 'one' })
  await two.put({ ...(await two.get('doc002')), by: 'two' })
  await one.remove(await one.get('doc003'))
  await server.put({ ...(await server.get('doc004')), by: 'server' })
  await settle(one, server)
  await settle(two, server)
  await settle(one, server)
  for (const database of [one, two, server]) {
    const { rows } = await database.allDocs({ include_docs: true })
    assert.deepEqual(
      rows.map(({ id, doc }: { id: string; doc: { by?: string } }) => [id, doc.by]),
      [
        ['doc001', 'one'],
        ['doc002', 'two'],
        ['doc004', 'server'],
      ],
    )
    await assert.rejects(database.get('doc003'), { status: 404 })
  }
  // Deleted and made again under the same id.
  await two.put({ _id: 'doc003', n: 33 })
  await settle(two, server)
  await settle(one, server)
  assert.equal((await one.get('doc003')).n, 33)
  assert.equal((await server.get('doc003')).n, 33)
})

test('conflicts made on both sides end with the same winner everywhere, and the loser is kept', async () => {
  const server = await remote('io.cozy.tests.conflicts')
  const [one, two] = [local(), local()]
  await one.bulkDocs([1, 2, 3].map(document))
  await settle(one, server)
  await settle(two, server)
  // Equal length, a longer branch on one side, an edit against a deletion.
  await one.put({ ...(await one.get('doc001')), by: 'one' })
  await two.put({ ...(await two.get('doc001')), by: 'two' })
  await one.put({ ...(await one.get('doc002')), by: 'one' })
  for (const edit of [1, 2, 3]) await two.put({ ...(await two.get('doc002')), by: 'two', edit })
  await one.remove(await one.get('doc003'))
  await two.put({ ...(await two.get('doc003')), by: 'two' })
  for (let round = 0; round < 2; round++) {
    await settle(one, server)
    await settle(two, server)
  }
  for (const id of ['doc001', 'doc002', 'doc003']) {
    const [a, b, c] = await Promise.all([one, two, server].map(database => database.get(id, { conflicts: true })))
    assert.deepEqual([b._rev, c._rev], [a._rev, a._rev], id)
    assert.deepEqual([b._conflicts, c._conflicts], [a._conflicts, a._conflicts], id)
    assert.deepEqual([b.by, c.by], [a.by, a.by], id)
  }
  assert.equal((await server.get('doc002')).edit, 3)
  assert.equal((await server.get('doc003')).by, 'two')

  // Someone decides: the loser is deleted on the server, and nobody has a conflict any more.
  const { _conflicts } = await server.get('doc001', { conflicts: true })
  assert.equal(_conflicts.length, 1)
  assert.ok((await server.get('doc001', { rev: _conflicts[0] })).by, 'the losing revision can be read')
  await server.remove('doc001', _conflicts[0])
  await settle(one, server)
  await settle(two, server)
  for (const database of [one, two, server]) {
    assert.equal((await database.get('doc001', { conflicts: true }))._conflicts, undefined)
  }
})

test('many edits of one document arrive with their history', async () => {
  const server = await remote('io.cozy.tests.history')
  const [one, two] = [local(), local()]
  await one.put({ _id: 'a', n: 0 })
  for (let n = 1; n < 40; n++) await one.put({ ...(await one.get('a')), n })
  await settle(one, server)
  await settle(two, server)
  const [there, here] = await Promise.all([server, two].map(database => database.get('a', { revs: true })))
  assert.equal(there._revisions.start, 40)
  assert.deepEqual(here._revisions.ids.slice(0, 20), there._revisions.ids.slice(0, 20))
  // On its own, the server goes on from there.
  await server.put({ ...(await server.get('a')), n: 40 })
  await settle(one, server)
  assert.equal((await one.get('a')).n, 40)
})

test('live: both sides hear of the other', async () => {
  const server = await remote('io.cozy.tests.live')
  const one = local()
  await server.bulkDocs([{ _id: 'first' }])
  const problems: unknown[] = []
  const live = one.sync(server, { live: true, retry: true })
  live.on('error', (error: unknown) => problems.push(error))
  live.on('denied', (error: unknown) => problems.push(error))
  const seen = (database: { changes(options: object): EventTarget }, id: string) =>
    new Promise<void>(resolve => {
      // biome-ignore lint/suspicious/noExplicitAny: an emitter of PouchDB's
      const changes: any = database.changes({ live: true, since: 0, doc_ids: [id] })
      changes.on('change', () => {
        changes.cancel()
        resolve()
      })
    })
  await seen(one, 'first')
  await server.bulkDocs([{ _id: 'from-server' }])
  await seen(one, 'from-server')
  const pushed = new Promise<void>(resolve =>
    live.on('change', (info: { direction: string; change: { docs: { _id: string }[] } }) => {
      if (info.direction === 'push' && info.change.docs.some(({ _id }) => _id === 'from-here')) resolve()
    }),
  )
  await one.put({ _id: 'from-here' })
  await pushed
  assert.ok(await server.get('from-here'))
  const ended = new Promise(resolve => live.on('complete', resolve))
  live.cancel()
  await ended
  assert.deepEqual(problems, [])
})

test('only some documents: by id, by selector', async () => {
  const server = await remote('io.cozy.tests.some')
  await server.bulkDocs(Array.from({ length: 20 }, (_, n) => document(n)))
  const [byId, bySelector] = [local(), local()]
  await byId.replicate.from(server, { doc_ids: ['doc003', 'doc007', 'nobody'] })
  assert.equal((await byId.info()).doc_count, 2)
  await bySelector.replicate.from(server, { selector: { n: { $gte: 15 } } })
  assert.equal((await bySelector.info()).doc_count, 5)
})

test('with a token to read, one reads: nothing is written', async () => {
  const doctype = 'io.cozy.tests.reading'
  const server = await remote(doctype)
  await server.bulkDocs([document(1)])
  const readOnly = await remote(doctype, `${doctype}:GET`)
  const one = local()
  assert.equal((await one.replicate.from(readOnly)).docs_written, 1)
  await one.put({ _id: 'mine' })
  await assert.rejects(one.replicate.to(readOnly))
  await assert.rejects(server.get('mine'), { status: 404 })
  await assert.rejects(local().replicate.from(await remote('io.cozy.files', doctype)))
})

test('attachments are denied, the documents beside them arrive', async () => {
  const server = await remote('io.cozy.tests.attachments')
  const one = local()
  await one.put({ _id: 'with', _attachments: { 'a.txt': { content_type: 'text/plain', data: 'aGVsbG8=' } } })
  await one.put({ _id: 'without' })
  const denied: unknown[] = []
  const replication = one.replicate.to(server)
  replication.on('denied', (error: unknown) => denied.push(error))
  assert.equal((await replication).ok, true)
  assert.equal(denied.length, 1)
  assert.ok(await server.get('without'))
})

test('accounts that are replicated up are sealed like any other', async () => {
  const server = await remote('io.cozy.accounts')
  const one = local()
  await one.put({ _id: 'acc1', account_type: 'acme', auth: { login: 'alice', password: 'hunter2' } })
  await one.replicate.to(server)
  assert.equal(JSON.stringify(await server.get('acc1')).includes('hunter2'), false)
})

test('a database that was dropped on the server is sent again', async () => {
  const doctype = 'io.cozy.tests.dropped'
  const server = await remote(doctype)
  const one = local()
  await one.bulkDocs([1, 2, 3].map(document))
  await one.replicate.to(server)
  await server.destroy()
  const again = await remote(doctype)
  await one.replicate.to(again)
  assert.equal((await again.info()).doc_count, 3)
})
