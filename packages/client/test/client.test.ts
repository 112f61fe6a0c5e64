import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createClient, isStatus, StackError } from '../src/index.ts'

interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** A server on a free port that records what it gets and answers as `answer` says. */
async function serve(answer: (seen: Seen, response: ServerResponse, count: number) => void) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const entry = {
      method: request.method!,
      url: request.url!,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    }
    seen.push(entry)
    answer(entry, response, seen.length)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

test('documents: ids with slashes are escaped, _type never goes back, the token is sent', async () => {
  await using server = await serve(({ body }, response) =>
    json(response, 200, { data: { ...JSON.parse(body || '{}'), _rev: '2-b' }, _id: 'x' }),
  )
  const client = createClient({ url: server.url, token: 'secret' })
  await client.data.get('io.cozy.konnectors', 'io.cozy.konnectors/acme')
  await client.data.create('io.cozy.bills', { amount: 1, _type: 'io.cozy.bills' })
  await client.data.create('io.cozy.bills', { _id: 'fixed', amount: 1 })
  await client.data.update('io.cozy.bills', { _id: 'a b', _rev: '1-a', _type: 'io.cozy.bills' })
  await client.data.delete('io.cozy.bills', { _id: 'a', _rev: '1-a' })
  assert.deepEqual(
    server.seen.map(({ method, url, body }) => [method, url, body]),
    [
      ['GET', '/data/io.cozy.konnectors/io.cozy.konnectors%2Facme', ''],
      ['POST', '/data/io.cozy.bills/', '{"amount":1}'],
      ['PUT', '/data/io.cozy.bills/fixed', '{"amount":1}'],
      ['PUT', '/data/io.cozy.bills/a%20b', '{"_id":"a b","_rev":"1-a"}'],
      ['DELETE', '/data/io.cozy.bills/a?rev=1-a', ''],
    ],
  )
  assert.ok(server.seen.every(({ headers }) => headers.authorization === 'Bearer secret'))
})

test('an answer that is no success is a StackError with status, reason and the body as message', async () => {
  await using server = await serve((_, response) => json(response, 404, { error: 'not_found', reason: 'missing' }))
  const client = createClient({ url: server.url })
  await assert.rejects(client.data.get('io.cozy.bills', 'x'), (error: unknown) => {
    assert.ok(error instanceof StackError && error.status === 404)
    assert.deepEqual([isStatus(error, 404), isStatus(error, 409)], [true, false])
    assert.deepEqual(error.reason, { error: 'not_found', reason: 'missing' })
    assert.match(error.message, /not_found/)
    return true
  })
  assert.deepEqual(await client.data.all('io.cozy.bills'), [])
  assert.deepEqual(await client.data.findAll('io.cozy.bills', { selector: {} }), [])
})

test('updateAttributes reads again and retries when somebody else wrote in between', async () => {
  await using server = await serve(({ method, body }, response, count) => {
    if (method === 'GET') json(response, 200, { _id: 'a', _rev: `${count}-x`, _type: 't', kept: true })
    else if (count < 5) json(response, 409, { error: 'conflict' })
    else json(response, 200, { data: JSON.parse(body) })
  })
  const client = createClient({ url: server.url })
  assert.deepEqual(await client.data.updateAttributes('t', 'a', { state: null }), {
    _id: 'a',
    _rev: '5-x',
    kept: true,
    state: null,
  })
  assert.equal(server.seen.length, 6)
})

test('findAll follows bookmarks', async () => {
  await using server = await serve(({ body }, response) => {
    const { bookmark, limit } = JSON.parse(body)
    json(
      response,
      200,
      bookmark
        ? { docs: [{ _id: 'b' }], next: false, bookmark: '' }
        : { docs: [{ _id: 'a' }], next: true, bookmark: 'm', limit },
    )
  })
  const docs = await createClient({ url: server.url }).data.findAll('t', { selector: { a: 1 } })
  assert.deepEqual(docs, [{ _id: 'a' }, { _id: 'b' }])
  assert.equal(JSON.parse(server.seen[0]!.body).limit, 1000)
})

test('a token function is asked again after a 401, once', async () => {
  await using server = await serve(({ headers }, response) =>
    headers.authorization === 'Bearer new' ? json(response, 200, {}) : json(response, 401, { error: 'expired' }),
  )
  const asked: boolean[] = []
  const client = createClient({
    url: server.url,
    token: again => {
      asked.push(again)
      return again ? 'new' : 'old'
    },
  })
  await client.json('GET', '/settings/instance')
  assert.deepEqual(asked, [false, true])
})

test('files: upload with metadata takes the two steps of the protocol and streams its body', async () => {
  await using server = await serve(({ url }, response) =>
    json(response, 201, {
      data: {
        type: 't',
        id: url.startsWith('/files/upload') ? 'meta1' : 'file1',
        attributes: { name: 'a.pdf', type: 'file' },
        meta: { rev: '1-a' },
      },
    }),
  )
  const client = createClient({ url: server.url })
  async function* bytes() {
    yield new TextEncoder().encode('%PDF')
    yield new TextEncoder().encode('-1.4')
  }
  const file = await client.files.create(bytes(), {
    name: 'a é.pdf',
    dirId: 'dir',
    contentType: 'application/pdf',
    metadata: { vendorRef: '1' },
    sourceAccount: 'acc',
    createdAt: '2026-01-02T03:04:05Z',
  })
  const [metadata, upload] = server.seen
  assert.deepEqual(JSON.parse(metadata!.body), {
    data: { type: 'io.cozy.files.metadata', attributes: { vendorRef: '1' } },
  })
  assert.equal(
    upload!.url,
    '/files/dir?Type=file&Name=a%20%C3%A9.pdf&Executable=false&Encrypted=false&MetadataID=meta1&CreatedAt=2026-01-02T03%3A04%3A05.000Z&SourceAccount=acc',
  )
  assert.equal(upload!.body, '%PDF-1.4')
  assert.equal(upload!.headers['content-type'], 'application/pdf')
  assert.deepEqual([file._id, file._rev, file.name, file.attributes.name], ['file1', '1-a', 'a.pdf', 'a.pdf'])
})

test('a body that fails while it is read fails the upload', async () => {
  await using server = await serve((_, response) => json(response, 201, {}))
  const client = createClient({ url: server.url })
  async function* bytes() {
    yield new TextEncoder().encode('half')
    throw new Error('vendor hung up')
  }
  await assert.rejects(client.files.create(bytes(), { name: 'a', dirId: 'd' }))
})

test('ensureDirectory makes the directory only when it is not there', async () => {
  await using server = await serve(({ method }, response) =>
    method === 'GET'
      ? json(response, 404, { errors: [{ status: '404' }] })
      : json(response, 201, { data: { type: 'io.cozy.files', id: 'd', attributes: { type: 'directory', name: 'b' } } }),
  )
  const directory = await createClient({ url: server.url }).files.ensureDirectory('/a/b')
  assert.equal(directory._id, 'd')
  assert.equal(server.seen[1]!.url, '/files/?Type=directory&Path=%2Fa%2Fb&Recursive=true')
})
