import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { BlobMissing, collectOrphanBlobs, createLocalBlobs } from '../../src/ground/blobs/index.ts'

const MIB = 1024 * 1024

function blobStore() {
  const directory = mkdtempSync(join(tmpdir(), 'konnectory-blobs-'))
  let time = new Date('2026-01-01T00:00:00Z')
  const blobs = createLocalBlobs({ directory, clock: { now: () => time } })
  return {
    blobs,
    directory,
    tenant: randomUUID(),
    files: () => readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()),
    advance: (ms: number) => {
      time = new Date(time.getTime() + ms)
    },
    now: () => time,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}

test('what was put comes back, whole and in ranges, with its size and MD5', async () => {
  using store = blobStore()
  const content = Buffer.from('a facture of 42 €')
  const stored = await store.blobs.put(store.tenant, Readable.from([content.subarray(0, 5), content.subarray(5)]))
  assert.match(stored.key, /^[0-9a-f]{32}$/)
  assert.equal(stored.size, content.length)
  assert.equal(stored.md5, createHash('md5').update(content).digest('base64'))
  assert.deepEqual(await buffer(await store.blobs.open(store.tenant, stored.key)), content)
  assert.deepEqual(
    await buffer(await store.blobs.open(store.tenant, stored.key, { start: 2, end: 8 })),
    content.subarray(2, 9),
  )
})

test('a blob is of its tenant, and gone after its removal or its tenant', async () => {
  using store = blobStore()
  const other = randomUUID()
  const { key } = await store.blobs.put(store.tenant, Readable.from(['x']))
  await assert.rejects(store.blobs.open(other, key), BlobMissing)
  await store.blobs.remove(store.tenant, [key, 'f'.repeat(32)])
  await assert.rejects(store.blobs.open(store.tenant, key), BlobMissing)
  const again = await store.blobs.put(store.tenant, Readable.from(['y']))
  await store.blobs.dropTenant(store.tenant)
  await assert.rejects(store.blobs.open(store.tenant, again.key), BlobMissing)
  assert.deepEqual(store.files(), [])
  const later = await store.blobs.put(store.tenant, Readable.from(['z']))
  assert.equal(later.size, 1)
})

test('a key or tenant that is none of ours never becomes a path', async () => {
  using store = blobStore()
  await assert.rejects(store.blobs.open(store.tenant, '../../etc/passwd'), TypeError)
  await assert.rejects(store.blobs.open('../..', 'f'.repeat(32)), TypeError)
  await assert.rejects(store.blobs.remove(store.tenant, ['..']), TypeError)
})

test('nothing is left of a stream that fails, is refused or is aborted', async () => {
  using store = blobStore()
  const failing = Readable.from(
    (async function* () {
      yield Buffer.from('half')
      throw new Error('the line went dead')
    })(),
  )
  await assert.rejects(store.blobs.put(store.tenant, failing), /the line went dead/)

  const refused = Readable.from(['12345', '67890', 'never read'])
  const check = (bytes: number) => {
    if (bytes > 5) throw new Error('too big')
  }
  await assert.rejects(store.blobs.put(store.tenant, refused, { check }), /too big/)
  assert.equal(refused.destroyed, false, 'the stream is its owner’s to end: the answer still has to go out')

  const abort = new AbortController()
  const waiting = new Readable({ read() {} })
  waiting.push('begin')
  const put = store.blobs.put(store.tenant, waiting, { signal: abort.signal, check: () => abort.abort() })
  await assert.rejects(put)
  await assert.rejects(store.blobs.put(store.tenant, Readable.from(['x']), { signal: AbortSignal.abort() }))
  assert.deepEqual(store.files(), [])
})

test('a stream that ends before its time leaves nothing', async () => {
  using store = blobStore()
  const cut = new Readable({ read() {} })
  cut.push('begin')
  const put = store.blobs.put(store.tenant, cut, { check: () => cut.destroy() })
  await assert.rejects(put, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  assert.deepEqual(store.files(), [])
})

test('100 MiB pass in constant memory', async () => {
  using store = blobStore()
  const block = Buffer.alloc(64 * 1024, 7)
  const source = Readable.from(
    (function* () {
      for (let sent = 0; sent < 100 * MIB; sent += block.length) yield block
    })(),
  )
  await store.blobs.put(store.tenant, Readable.from([block]))
  const before = process.memoryUsage().rss
  let most = before
  const check = () => {
    most = Math.max(most, process.memoryUsage().rss)
  }
  const { size } = await store.blobs.put(store.tenant, source, { check })
  assert.equal(size, 100 * MIB)
  assert.ok(most - before < 30 * MIB, `grew by ${Math.round((most - before) / MIB)} MiB`)
})

test('orphans are collected, and only they, and only old ones', async () => {
  using store = blobStore()
  const named = await store.blobs.put(store.tenant, Readable.from(['kept']))
  const orphan = await store.blobs.put(store.tenant, Readable.from(['orphan']))
  const folder = join(store.directory, store.tenant, orphan.key.slice(0, 2))
  const cutOff = `${orphan.key.slice(0, 2)}${'e'.repeat(30)}.part`
  // What a kill in the middle of an upload leaves.
  writeFileSync(join(folder, cutOff), 'half')
  writeFileSync(join(folder, 'README'), 'not ours')
  store.advance(3_600_000)
  const fresh = await store.blobs.put(store.tenant, Readable.from(['fresh']))
  const asked: string[] = []
  const collect = (olderThan: Date) =>
    collectOrphanBlobs(store.blobs, store.tenant, {
      olderThan,
      named: async keys => {
        asked.push(...keys)
        return new Set([named.key])
      },
    })
  assert.equal(await collect(new Date(store.now().getTime() - 1_800_000)), 1)
  assert.deepEqual(asked.sort(), [named.key, orphan.key].sort())
  assert.deepEqual(
    store
      .files()
      .map(file => file.name)
      .sort(),
    [named.key, fresh.key, cutOff, 'README'].sort(),
  )
  // The part has the file system's time, which is later than the test's.
  assert.equal(await collect(new Date(Date.now() + 60_000)), 2)
  assert.deepEqual(
    store
      .files()
      .map(file => file.name)
      .sort(),
    [named.key, 'README'].sort(),
  )
})
