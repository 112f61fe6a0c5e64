import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ROOT_DIR_ID } from '@konnectory/client'
import { open, send, temporaryDirectory } from './support/stack.ts'

test('_changes tells the last change of each document, in order, from a sequence on', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  assert.equal((await send(stack, 'GET', '/data/io.cozy.t/_changes')).status, 404)
  const [a, b, c] = [
    await client.data.create('io.cozy.t', { _id: 'a' }),
    await client.data.create('io.cozy.t', { _id: 'b' }),
    await client.data.create('io.cozy.t', { _id: 'c' }),
  ]
  const all = await send(stack, 'GET', '/data/io.cozy.t/_changes?since=0')
  assert.deepEqual(
    all.body.results.map((one: { id: string; changes: unknown }) => [one.id, one.changes]),
    [a, b, c].map(doc => [doc._id, [{ rev: doc._rev }]]),
  )
  assert.equal(all.body.pending, 0)
  assert.equal(all.body.results[2].seq, all.body.last_seq)

  const updated = await client.data.update('io.cozy.t', { ...a, n: 1 })
  await client.data.delete('io.cozy.t', b)
  const more = await send(stack, 'GET', `/data/io.cozy.t/_changes?include_docs=true&since=${all.body.last_seq}`)
  const [first, second, ...rest] = more.body.results
  assert.deepEqual([first.id, first.doc.n, first.doc._rev, first.deleted], ['a', 1, updated._rev, undefined])
  assert.deepEqual([second.id, second.deleted, second.doc._deleted], ['b', true, true])
  assert.match(second.changes[0].rev, /^2-/)
  assert.deepEqual(rest, [])

  const page = await send(stack, 'GET', '/data/io.cozy.t/_changes?limit=1')
  assert.deepEqual([page.body.results.length, page.body.pending, page.body.last_seq], [1, 2, page.body.results[0].seq])
  const next = await send(stack, 'GET', `/data/io.cozy.t/_changes?since=${page.body.last_seq}`)
  assert.deepEqual(
    next.body.results.map((one: { id: string }) => one.id),
    ['a', 'b'],
  )
  assert.deepEqual((await send(stack, 'GET', '/data/io.cozy.t/_changes?since=now')).body.results, [])
  assert.equal((await send(stack, 'GET', '/data/io.cozy.t/_changes?descending=true')).body.results[0].id, 'b')
  await stack.flush()
  const restarted = open(dir.path).stack
  const again = await send(restarted, 'GET', `/data/io.cozy.t/_changes?since=${more.body.last_seq}`)
  assert.equal(again.body.results.length, 2, 'a sequence of an earlier start is the beginning')
})

test('_changes: filters by POST, and refuses what the stack refuses', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  for (const n of [1, 2, 3]) await client.data.create('io.cozy.t', { _id: `d${n}`, n })
  const ids = async (query: string, body: object) =>
    (await send(stack, 'POST', `/data/io.cozy.t/_changes?${query}`, body)).body.results.map(
      (one: { id: string }) => one.id,
    )
  assert.deepEqual(await ids('filter=_doc_ids', { doc_ids: ['d1', 'd3'] }), ['d1', 'd3'])
  assert.deepEqual(await ids('filter=_selector', { selector: { n: { $gt: 2 } } }), ['d3'])
  for (const [query, reason] of [
    ['feed=continuous', /feed/],
    ['fields=a', /Unsupported query parameter 'fields'/],
    ['filter=_doc_ids', /Unsupported query parameter 'filter'/],
  ] as const) {
    const { status, body } = await send(stack, 'GET', `/data/io.cozy.t/_changes?${query}`)
    assert.equal(status, 400)
    assert.match(JSON.stringify(body), reason)
  }
})

test('Range: a part of a file, from either end; what does not exist is 416', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const file = await client.files.create('0123456789', { name: 'a.txt', dirId: ROOT_DIR_ID })
  const get = (range: string, more: Record<string, string> = {}) =>
    send(stack, 'GET', `/files/download/${file._id}`, undefined, { range, ...more })
  for (const [range, expected, content] of [
    ['bytes=2-4', 'bytes 2-4/10', '234'],
    ['bytes=7-', 'bytes 7-9/10', '789'],
    ['bytes=-3', 'bytes 7-9/10', '789'],
    ['bytes=-30', 'bytes 0-9/10', '0123456789'],
    ['bytes=8-30', 'bytes 8-9/10', '89'],
    ['bytes=0-0', 'bytes 0-0/10', '0'],
  ] as const) {
    const { status, headers, body } = await get(range)
    assert.deepEqual(
      [status, headers.get('content-range'), headers.get('content-length'), body],
      [206, expected, String(content.length), content],
    )
  }
  for (const range of ['bytes=10-', 'bytes=99-100', 'bytes=-0']) {
    const { status, headers } = await get(range)
    assert.deepEqual([status, headers.get('content-range')], [416, 'bytes */10'])
  }
  for (const range of ['bytes=4-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-']) {
    const { status, headers, body } = await get(range)
    assert.deepEqual([status, headers.get('accept-ranges'), body], [200, 'bytes', '0123456789'])
  }
  const etag = (await get('bytes=0-1')).headers.get('etag')!
  assert.equal((await get('bytes=0-1', { 'if-range': etag })).status, 206)
  assert.equal((await get('bytes=0-1', { 'if-range': '"another"' })).status, 200)
})
