import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { createClient, ROOT_DIR_ID } from '@konnectory/client'
import { open, temporaryDirectory } from './support/stack.ts'

test('the same API over HTTP on 127.0.0.1, for whoever has the token', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const server = await stack.listen()
  try {
    assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
    const get = async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(`${server.url}${path}`, { headers })
      return [response.status, await response.json(), response.headers.get('www-authenticate')]
    }
    assert.deepEqual(await get('settings/instance'), [401, { error: 'No token in request' }, null])
    assert.deepEqual(await get('settings/instance', { authorization: `Bearer ${'x'.repeat(server.token.length)}` }), [
      400,
      { error: 'Invalid JWT token' },
      'Bearer error="invalid_token"',
    ])
    assert.equal((await get('settings/instance', { authorization: 'Bearer short' }))[0], 400)
    assert.equal((await get('settings/instance', { authorization: `Bearer ${server.token}` }))[0], 200)
    const basic = Buffer.from(`anyone:${server.token}`).toString('base64')
    assert.equal((await get('settings/instance', { authorization: `Basic ${basic}` }))[0], 200)
    assert.equal((await get(`settings/instance?bearer_token=${server.token}`))[0], 200)
    const missing = await get('nowhere', { authorization: `Bearer ${server.token}` })
    assert.match(JSON.stringify(missing[1]), /GET \/nowhere is not available in standalone mode/)
  } finally {
    await server.close()
  }
})

test('two listeners have their own tokens, and see the same documents', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const servers = [await stack.listen(), await stack.listen()]
  try {
    assert.notEqual(servers[0]!.token, servers[1]!.token)
    await createClient(servers[0]!).data.create('io.cozy.t', { _id: 'a' })
    assert.equal((await createClient(servers[1]!).data.get('io.cozy.t', 'a'))._id, 'a')
    assert.equal((await client.data.get('io.cozy.t', 'a'))._id, 'a')
  } finally {
    await Promise.all(servers.map(server => server.close()))
  }
})

test('bodies are streamed both ways in constant memory', { timeout: 60_000 }, async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const server = await stack.listen()
  try {
    const client = createClient(server)
    const chunk = Buffer.alloc(1024 * 1024, 'x')
    const megabytes = 160
    const sent = createHash('md5')
    let peak = 0
    const body = (async function* () {
      for (let n = 0; n < megabytes; n++) {
        chunk.writeUInt32LE(n)
        sent.update(chunk)
        peak = Math.max(peak, process.memoryUsage().rss)
        yield Uint8Array.from(chunk)
      }
    })()
    const before = process.memoryUsage().rss
    const file = await client.files.create(body, { name: 'big', dirId: ROOT_DIR_ID })
    const sum = sent.digest('base64')
    assert.deepEqual([file.size, file.md5sum], [String(megabytes * chunk.length), sum])
    const received = createHash('md5')
    for await (const part of (await client.files.download(file._id)).body!) {
      received.update(part)
      peak = Math.max(peak, process.memoryUsage().rss)
    }
    assert.equal(received.digest('base64'), sum)
    // Client and server are both in this process, and a busy machine collects their garbage late.
    assert.ok(peak - before < 130e6, `${Math.round((peak - before) / 1e6)} MB more`)
  } finally {
    await server.close()
  }
})

test('an upload cut in the middle leaves nothing', async t => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const server = await stack.listen()
  try {
    const request = httpRequest(`${server.url}files/?Type=file&Name=cut`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}`, 'content-length': '1000' },
    })
    request.on('error', () => undefined)
    request.write('part')
    await t.waitFor(() => assert.ok(readdirSync(dir.path).some(name => statSync(join(dir.path, name)).size > 0)))
    request.destroy()
    await t.waitFor(() => assert.deepEqual(readdirSync(dir.path), []))
  } finally {
    await server.close()
  }
})

test('a refusal before the body was read does not break the next request', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const server = await stack.listen()
  try {
    const client = createClient(server)
    await client.files.create('x', { name: 'a', dirId: ROOT_DIR_ID })
    for (let n = 0; n < 5; n++) {
      await assert.rejects(client.files.create(Buffer.alloc(500_000), { name: 'a', dirId: ROOT_DIR_ID }), {
        status: 409,
      })
      assert.equal((await client.files.statByPath('/a')).size, '1')
    }
  } finally {
    await server.close()
  }
})

test('a download link needs no token', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const server = await stack.listen()
  try {
    const client = createClient(server)
    await client.files.create('content', { name: 'a.txt', dirId: ROOT_DIR_ID })
    const { links } = await client.json<{ links: { related: string } }>('POST', '/files/downloads', {
      query: { Path: '/a.txt' },
    })
    assert.equal(await (await fetch(new URL(links.related, server.url))).text(), 'content')
  } finally {
    await server.close()
  }
})

test('close frees the port, lets what is under way end, and may be called twice', async t => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const server = await stack.listen()
  const client = createClient(server)
  let closing: Promise<void> | undefined
  const body = (async function* () {
    yield new TextEncoder().encode('a')
    await t.waitFor(() => assert.ok(readdirSync(dir.path).length > 0))
    closing = server.close()
    yield new TextEncoder().encode('b')
  })()
  const file = await client.files.create(body, { name: 'f', dirId: ROOT_DIR_ID })
  assert.equal(file.size, '2')
  await closing
  await server.close()
  await assert.rejects(fetch(server.url), /fetch failed/)
})
