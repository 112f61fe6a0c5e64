import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { crc32, inflateRawSync } from 'node:zlib'
import { safeName, zipOf } from '../../src/rooms/files/read/archive.ts'
import { type Entry, ROOT_ID } from '../../src/rooms/files/record.ts'
import { openReadingHouse } from './reading-house.ts'

const house = await openReadingHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, directory, file, root } = house
const TEXT = { mime: 'text/plain', class: 'text' }

const top = await directory(root, 'zipped')
const sub = await directory(top, 'sub')
await directory(top, 'empty')
const one = await file(top, 'one.txt', 'one one one one', TEXT)
await file(sub, 'é 漢.txt', 'two', TEXT)
const picture = await file(sub, 'picture.png', 'not compressed', { mime: 'image/png', class: 'image' })
const elsewhere = await directory(root, 'elsewhere')
const twin = await file(elsewhere, 'one.txt', 'another one', TEXT)

const attributes = (given: object) => ({ data: { attributes: given } })
const archive = (given: object, more: object = {}) =>
  ask('/files/archive', { method: 'POST', body: attributes(given), ...more })

/** Reads a zip by its central directory, as every program does. */
function unzip(zip: Buffer): Record<string, string> {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  assert.ok(end >= 0, 'a zip has an end')
  const entries: Record<string, string> = {}
  let at = zip.readUInt32LE(end + 16)
  for (let number = zip.readUInt16LE(end + 10); number > 0; number--) {
    const [method, crc, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 16), zip.readUInt32LE(at + 20)]
    const [nameLength, extra, comment] = [28, 30, 32].map(offset => zip.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ]
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength)
    const local = zip.readUInt32LE(at + 42)
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const packed = zip.subarray(start, start + size)
    const content = method === 8 ? inflateRawSync(packed) : packed
    assert.equal(crc32(content), crc, name)
    assert.ok(!(name in entries), `${name} is there twice`)
    entries[name] = content.toString()
    at += 46 + nameLength + extra + comment
  }
  return entries
}

const ALL = {
  'stuff/zipped/empty/': '',
  'stuff/zipped/sub/picture.png': 'not compressed',
  'stuff/zipped/sub/é 漢.txt': 'two',
  'stuff/zipped/one.txt': 'one one one one',
}

test('a link to a zip of a directory with all that is below', async () => {
  const answer = await archive({ name: 'stuff', files: ['/zipped'] })
  assert.equal(answer.status, 200)
  const { related } = answer.json.links
  assert.match(related, /^\/files\/archive\/[0-9a-f]{32}\/stuff\.zip$/)
  const zip = await ask(related, { scope: null })
  assert.equal(zip.status, 200)
  assert.equal(zip.headers['content-type'], 'application/zip')
  assert.equal(zip.headers['content-disposition'], 'attachment; filename="stuff.zip"')
  assert.deepEqual(unzip(zip.bytes), ALL)
  const head = await ask(related, { scope: null, method: 'HEAD' })
  assert.deepEqual([head.status, head.bytes.length, head.headers['content-type']], [200, 0, 'application/zip'])
})

test('the zip at once, of paths and ids; what is named twice is there once, twins get numbers', async () => {
  const answer = await archive(
    { name: 'stuff', files: ['/zipped/one.txt', '/zipped/sub/'], ids: [twin._id, one._id, twin._id] },
    { headers: { accept: 'application/zip' } },
  )
  assert.equal(answer.headers['content-type'], 'application/zip')
  assert.deepEqual(unzip(answer.bytes), {
    'stuff/one.txt': 'one one one one',
    'stuff/sub/picture.png': 'not compressed',
    'stuff/sub/é 漢.txt': 'two',
    'stuff/one (2).txt': 'another one',
  })
})

test('the trash is not packed along with the root, and is when it is asked for', async () => {
  await file(house.trash, 'thrown away', 'x', { ...TEXT, trashed: true })
  const names = async (ids: string[]) =>
    Object.keys(unzip((await archive({ name: 'r', ids }, { headers: { accept: 'application/zip' } })).bytes))
  const all = await names([ROOT_ID])
  assert.ok(all.includes('r/files/elsewhere/one.txt'), all.join())
  assert.ok(!all.some(name => name.includes('thrown away')))
  assert.ok((await names([house.trash._id])).includes('r/.cozy_trash/thrown away'))
})

test('no name leads out of the folder a zip is unpacked in', async () => {
  for (const [name, safe] of [
    ['..\\..\\evil', '.._.._evil'],
    ['..', '__'],
    ['.', '_'],
    ['a/b', 'a_b'],
    ['nul\0line\n', 'nul_line_'],
    ['\ud800', '\ufffd'],
    ['é.txt', 'é.txt'],
  ] as const) {
    assert.equal(safeName(name), safe)
  }
  const folder = await directory(root, '..\\up')
  await file(folder, '\\..\\..\\evil.txt', 'evil', TEXT)
  await file(folder, 'C:evil.txt', 'evil', TEXT)
  const answer = await archive({ name: '..', ids: [folder._id] }, { headers: { accept: 'application/zip' } })
  for (const name of Object.keys(unzip(answer.bytes))) {
    assert.ok(name.startsWith('__/'), name)
    assert.ok(!name.split(/[\\/]/).includes('..'), name)
  }
})

test('what cannot be asked for', async () => {
  const rows: [given: object, status: number][] = [
    [{ name: 'a/b', files: ['/zipped'] }, 400],
    [{ name: 'none' }, 400],
    [{ name: 'none', files: [], ids: [] }, 400],
    [{ name: 'x', files: ['relative'] }, 400],
    [{ name: 'x', files: ['/unknown'] }, 404],
    [{ name: 'x', ids: ['unknown'] }, 404],
    [{ name: 'x', ids: ['nul\0'] }, 404],
    [{ name: 'x', files: 'no list' }, 400],
    [{ name: 7, files: ['/zipped'] }, 400],
    [{ name: 'x', ids: [one._id], pages: [{ id: one._id, page: 1 }] }, 501],
  ]
  for (const [given, status] of rows) {
    const answer = await archive(given)
    assert.deepEqual([answer.status, answer.json.errors[0].status], [status, String(status)], JSON.stringify(given))
  }
  assert.equal((await ask('/files/archive', { method: 'POST', body: {} })).status, 400)
})

test('every entry is asked for; wrong and expired secrets open nothing', async () => {
  const given = { name: 'x', ids: [one._id, twin._id] }
  assert.equal((await archive(given, { scope: null })).status, 401)
  assert.equal((await archive(given, { scope: `io.cozy.files:GET:${one._id}` })).status, 403)
  assert.equal((await archive(given, { scope: `io.cozy.files:POST` })).status, 403)
  assert.equal((await archive(given, { scope: `io.cozy.files:GET:${one._id},${elsewhere._id}` })).status, 200)
  assert.equal((await archive(given, { tenant: house.bob, scope: '*' })).status, 404)
  const { related } = (await archive(given)).json.links
  const secret = related.split('/')[3]
  const wrong = async (path: string, tenant = house.alice) => {
    const answer = await ask(path, { scope: null, tenant })
    assert.deepEqual([answer.status, answer.json], [400, { error: 'Wrong download token' }])
  }
  await wrong(related, house.bob)
  await wrong(`/files/downloads/${secret}/x.zip`)
  await wrong(`/files/archive/${'0'.repeat(32)}/x.zip`)
  house.advance(10.1 * 60_000)
  await wrong(related)
})

test('files that were destroyed since are left out; a content that is lost breaks the zip off', async () => {
  const doomed = await file(elsewhere, 'doomed.txt', 'x', TEXT)
  const { related } = (await archive({ name: 'x', ids: [twin._id, doomed._id] })).json.links
  await house.ground.documents.of(house.alice).remove('io.cozy.files', doomed._id, doomed._rev)
  assert.deepEqual(unzip((await ask(related, { scope: null })).bytes), { 'x/one.txt': 'another one' })

  const lost = await file(elsewhere, 'lost.txt', 'lost', TEXT)
  await house.ground.blobs.remove(house.alice.id, [lost.internal_blob])
  await assert.rejects(archive({ name: 'x', ids: [twin._id, lost._id] }, { headers: { accept: 'application/zip' } }))
})

test('a content that fails half way breaks the zip off, and who goes away stops the reading', async () => {
  const failing = Readable.from(
    (async function* () {
      yield Buffer.from('half')
      throw new Error('the disk is gone')
    })(),
  )
  const reader = house.reading.reader
  const blobs = { ...house.ground.blobs, open: async () => failing }
  const broken = zipOf({ blobs, reader }, house.alice, { name: 'x', entries: [one] }, house.ground.log)
  await assert.rejects(broken.toArray(), /the disk is gone/)

  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(65_536))
    },
  })
  const slow = { ...house.ground.blobs, open: async () => endless }
  const left = zipOf({ blobs: slow, reader }, house.alice, { name: 'x', entries: [picture] }, house.ground.log)
  for await (const chunk of left) if ((chunk as Buffer).length > 0) break
  const closed = new Promise(resolve => endless.once('close', resolve))
  left.destroy()
  await closed
})

describe('much of it', () => {
  test('a page boundary, and a size that would not fit a buffer, in constant memory', async () => {
    const many = await directory(root, 'many')
    const store = house.ground.documents.of(house.alice)
    const { _id, _rev, ...record } = await file(many, 'f0000', 'same', TEXT)
    const edits = Array.from({ length: 1200 }, (_, number) => ({
      body: { ...record, name: `f${String(number + 1).padStart(4, '0')}` },
    }))
    await store.write('io.cozy.files', edits)
    const names = Object.keys(
      unzip((await archive({ name: 'x', ids: [many._id] }, { headers: { accept: 'application/zip' } })).bytes),
    )
    assert.equal(names.length, 1201)

    // 64 contents of 8 MiB each, made as they are read.
    const MIB = 1024 * 1024
    let open = 0
    let mostOpen = 0
    const blobs = {
      ...house.ground.blobs,
      open: async () => {
        mostOpen = Math.max(mostOpen, ++open)
        const chunks = (function* () {
          for (let part = 0; part < 8; part++) yield Buffer.alloc(MIB, part)
        })()
        return Readable.from(chunks, { objectMode: false, highWaterMark: 65_536 }).once('close', () => open--)
      },
    }
    const big = Array.from(
      { length: 64 },
      (_, number): Entry => ({
        ...one,
        _id: `big${number}`,
        name: `big${number}`,
        class: 'zip',
        size: String(8 * MIB),
      }),
    )
    const zip = zipOf(
      { blobs, reader: house.reading.reader },
      house.alice,
      { name: 'x', entries: big },
      house.ground.log,
    )
    const before = process.memoryUsage.rss()
    let bytes = 0
    let peak = before
    for await (const chunk of zip) {
      bytes += (chunk as Buffer).length
      peak = Math.max(peak, process.memoryUsage.rss())
    }
    assert.ok(bytes > 512 * MIB)
    assert.equal(mostOpen, 1)
    assert.ok(peak - before < 200 * MIB, `${Math.round((peak - before) / MIB)} MiB more`)
  })
})

test('other programs read it', { skip: !hasPython() && 'no python3 here' }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-zip-'))
  try {
    const { bytes } = await archive({ name: 'stuff', ids: [top._id] }, { headers: { accept: 'application/zip' } })
    writeFileSync(join(folder, 'a.zip'), bytes)
    execFileSync('python3', ['-m', 'zipfile', '-e', join(folder, 'a.zip'), folder])
    assert.equal(readFileSync(join(folder, 'stuff', 'zipped', 'sub', 'é 漢.txt'), 'utf8'), 'two')
    assert.deepEqual(readdirSync(join(folder, 'stuff', 'zipped')).sort(), ['empty', 'one.txt', 'sub'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'])
    return true
  } catch {
    return false
  }
}
