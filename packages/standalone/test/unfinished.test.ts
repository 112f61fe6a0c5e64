import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import fs, { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT_DIR_ID } from '@konnectory/client'
import { DataFileInUseError, lockDataFile } from '../src/index.ts'
import { open, readData, temporaryDirectory } from './support/stack.ts'

/** No process has this id. */
const DEAD = 999_999_999
const names = (root: string) => readdirSync(root).sort()
const md5 = (text: string) => createHash('md5').update(text).digest('base64')

/** A kept file, and what a process that was killed added to the journal as its last line. */
async function killedAfter(root: string, change: (file: Record<string, unknown>) => Record<string, unknown>) {
  const { stack, client } = open(root)
  const file = await client.files.create('first content', { name: 'a.txt', dirId: ROOT_DIR_ID, metadata: { k: 1 } })
  await stack.flush()
  const [doc] = readData(root)['io.cozy.files']!
  const line = { doctype: 'io.cozy.files', doc: { ...doc, _rev: '2-x', ...change(doc!) } }
  writeFileSync(join(root, `.importedData.json.${DEAD}-1.journal`), `\n${JSON.stringify(line)}\n`)
  return file
}

for (const content of ['second, longer content', 'other content']) {
  test(`killed before "${content}" was in place: the file is what it was, and can still be replaced`, async () => {
    using dir = temporaryDirectory()
    const file = await killedAfter(dir.path, () => ({ size: String(content.length), md5sum: md5(content) }))
    const { stack, client } = open(dir.path)
    const found = await client.files.statById(file._id)
    assert.deepEqual([found.size, found.md5sum, found.metadata], ['13', md5('first content'), { k: 1 }])
    await client.files.replace(file._id, content)
    await stack.flush()
    assert.deepEqual(names(dir.path), ['a.txt', 'importedData.json'])
  })

  test(`killed after "${content}" was in place: it is the file`, async () => {
    using dir = temporaryDirectory()
    const file = await killedAfter(dir.path, () => ({ size: String(content.length), md5sum: md5(content) }))
    writeFileSync(join(dir.path, 'a.txt'), content)
    const { client } = open(dir.path)
    const found = await client.files.statById(file._id)
    assert.deepEqual([found.size, found.md5sum], [String(content.length), md5(content)])
    await client.files.replace(file._id, 'again')
  })
}

test('killed in a renaming: the name is the one on disk, before or after', async () => {
  for (const renamed of [false, true]) {
    using dir = temporaryDirectory()
    const file = await killedAfter(dir.path, () => ({ name: 'b.txt' }))
    if (renamed) renameSync(join(dir.path, 'a.txt'), join(dir.path, 'b.txt'))
    const { client } = open(dir.path)
    assert.equal((await client.files.statById(file._id)).name, renamed ? 'b.txt' : 'a.txt')
    await client.files.replace(file._id, 'ours still')
  }
})

test('killed before a new file was in place: there is no such file, and it can be made', async () => {
  using dir = temporaryDirectory()
  await killedAfter(dir.path, () => ({ _id: 'new', name: 'new.txt', size: '3', md5sum: md5('new') }))
  const { client } = open(dir.path)
  await assert.rejects(client.files.statById('new'), { status: 404 })
  await client.files.create('new', { name: 'new.txt', dirId: ROOT_DIR_ID })
})

test('a change by hand while nothing ran is still respected', async () => {
  using dir = temporaryDirectory()
  const file = await killedAfter(dir.path, () => ({ size: '22', md5sum: md5('second, longer content') }))
  writeFileSync(join(dir.path, 'a.txt'), 'written by hand')
  const { client } = open(dir.path)
  await assert.rejects(client.files.replace(file._id, 'x'), { status: 409 })
  assert.equal(readFileSync(join(dir.path, 'a.txt'), 'utf8'), 'written by hand')
})

test('journals with many changes and deletions are read back in order', async () => {
  using dir = temporaryDirectory()
  const put = (n: number, v: string) => ({ doctype: 'io.cozy.t', doc: { _id: `d${n}`, _rev: '1-x', v } })
  const lines = [
    ...Array.from({ length: 500 }, (_, n) => put(n, 'a')),
    ...Array.from({ length: 250 }, (_, n) => ({ doctype: 'io.cozy.t', deleted: `d${n * 2}` })),
    put(0, 'again'),
    put(1, 'b'),
  ]
  writeFileSync(
    join(dir.path, `.importedData.json.${DEAD}-1.journal`),
    `${lines.map(line => JSON.stringify(line)).join('\n')}\n{"doctype":"io.cozy.t","doc":{"_id":"cut`,
  )
  const docs = await open(dir.path).client.data.all('io.cozy.t')
  assert.equal(docs.length, 251)
  assert.deepEqual(docs.find(doc => doc._id === 'd0')?.v, 'again')
  assert.deepEqual(docs.find(doc => doc._id === 'd1')?.v, 'b')
})

test('leftovers with our own process id are leftovers: in a container every run may have the same', async () => {
  using dir = temporaryDirectory()
  for (let n = 1; n < 30; n++) writeFileSync(join(dir.path, `.konnectory-${process.pid}-${n}.part`), 'half')
  const { client } = open(dir.path)
  assert.deepEqual(names(dir.path), [])
  await client.files.create('x', { name: 'a.txt', dirId: ROOT_DIR_ID })
})

test('who holds the lock takes all leftovers, whatever process has their id today', async () => {
  using dir = temporaryDirectory()
  const line = JSON.stringify({ doctype: 'io.cozy.t', doc: { _id: 'd', _rev: '1-x' } })
  writeFileSync(join(dir.path, `.importedData.json.${process.ppid}-1.journal`), line)
  writeFileSync(join(dir.path, `.konnectory-${process.ppid}-1.part`), 'half')
  assert.deepEqual(await open(dir.path).client.data.all('io.cozy.t'), [])
  const { stack, client } = open(dir.path, { alone: true })
  assert.equal((await client.data.all('io.cozy.t')).length, 1)
  await stack.flush()
  assert.deepEqual(names(dir.path), ['importedData.json'])
})

test('a data file is for one holder at a time, by whatever path; a killed one holds it no more', {
  timeout: 20_000,
}, async () => {
  using dir = temporaryDirectory()
  const path = join(dir.path, 'data', 'importedData.json')
  const release = await lockDataFile(path)
  await assert.rejects(lockDataFile(join(dir.path, 'data/../data/importedData.json')), DataFileInUseError)
  const other = await lockDataFile(join(dir.path, 'elsewhere', 'importedData.json'))
  await release()
  const holder: ChildProcess = fork(join(import.meta.dirname, 'support/holder.ts'), [path])
  await once(holder, 'message')
  await assert.rejects(lockDataFile(path), DataFileInUseError)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  await (await lockDataFile(path))()
  await other()
})

test('a full disk is a full quota: 413, nothing half, and the next one passes when there is room again', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const { writeSync } = fs
  let full = true
  const limited = ((fd: number, bytes: Uint8Array, ...rest: number[]) => {
    if (full) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    return writeSync(fd, bytes, ...rest)
  }) as typeof writeSync
  fs.writeSync = limited
  syncBuiltinESMExports()
  try {
    const refusal = { status: 413, message: /disk of this machine is full/ }
    await assert.rejects(client.files.create('content', { name: 'a.txt', dirId: ROOT_DIR_ID }), refusal)
    await assert.rejects(client.data.create('io.cozy.t', { v: 1 }), { status: 413 })
    assert.deepEqual(
      names(dir.path).filter(name => !name.endsWith('.journal')),
      [],
    )
    full = false
    await client.files.create('content', { name: 'a.txt', dirId: ROOT_DIR_ID })
    await client.data.create('io.cozy.t', { v: 1 })
    await stack.flush()
    assert.deepEqual(names(dir.path), ['a.txt', 'importedData.json'])
    assert.equal(readData(dir.path)['io.cozy.t']!.length, 1)
  } finally {
    fs.writeSync = writeSync
    syncBuiltinESMExports()
  }
})

test('thousands of files and unusual names come back at the next start as they were', { timeout: 60_000 }, async () => {
  using dir = temporaryDirectory()
  const unusual = [
    '🧾 facture 🇫🇷.pdf',
    'é'.normalize('NFD'),
    'ü'.normalize('NFC'),
    `${'a'.repeat(251)}.pdf`,
    '☂'.repeat(85),
    'ends with dots...',
    ' spaces ',
    '.hidden',
    '...a',
    '%2F?#&=+',
    'quote\'"`$(x)',
    '__proto__',
    'a\tb',
    'CON',
  ]
  const first = open(dir.path)
  mkdirSync(join(dir.path, 'other'))
  for (const name of unusual) await first.client.files.create(`content of ${name}`, { name, dirId: ROOT_DIR_ID })
  for (let n = 0; n < 2000; n++) await first.client.files.create(`${n}`, { name: `${n}.txt`, dirId: ROOT_DIR_ID })
  await assert.rejects(first.client.files.create('x', { name: 'a'.repeat(256), dirId: ROOT_DIR_ID }), { status: 422 })
  await first.stack.flush()
  const second = open(dir.path)
  for (const name of unusual) {
    const file = await second.client.files.statByPath(`/${name}`)
    assert.equal(file.name, name)
    assert.equal(
      Buffer.from(await (await second.client.files.download(file._id)).arrayBuffer()).toString(),
      `content of ${name}`,
    )
    await second.client.files.replace(file._id, 'replaced')
  }
  const files = await second.client.files.findAll({ selector: { type: 'file' } })
  assert.equal(files.length, unusual.length + 2000)
})
