import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT_DIR_ID, StackError } from '@konnectory/client'
import { checkName } from '../src/files/names.ts'
import { open, readData, send, temporaryDirectory } from './support/stack.ts'

/** The status, and the sentence that says what to do. */
function leftAlone(error: unknown): boolean {
  assert(error instanceof StackError)
  assert.equal(error.status, 409)
  assert.match(error.message, /(not made by this stack|keeps its own data).*(Move it away|Use another name)/)
  return true
}

test('a file of the author is seen by path and read, never written, moved, trashed or destroyed', async () => {
  using dir = temporaryDirectory()
  writeFileSync(join(dir.path, 'package.json'), '{"mine": true}')
  const { stack, client } = open(dir.path)
  const file = await client.files.statByPath('/package.json')
  assert.deepEqual(
    [file.type, file.name, file.size, file.mime, file.trashed, file.dir_id],
    ['file', 'package.json', '14', 'application/json', false, ROOT_DIR_ID],
  )
  assert.equal(file.foreign, undefined)
  assert.equal((await client.files.statById(file._id)).name, 'package.json')
  assert.equal(await (await client.files.download(file._id)).text(), '{"mine": true}')
  await assert.rejects(client.files.create('x', { name: 'package.json', dirId: ROOT_DIR_ID }), leftAlone)
  await assert.rejects(client.files.replace(file._id, 'x'), leftAlone)
  await assert.rejects(client.files.trash(file._id), leftAlone)
  await assert.rejects(client.files.destroy(file._id), leftAlone)
  await assert.rejects(client.files.updateAttributes(file._id, { name: 'other.json' }), leftAlone)
  const folder = await client.files.ensureDirectory('/d')
  const ours = await client.files.create('x', { name: 'ours', dirId: folder._id })
  await assert.rejects(
    client.files.updateAttributes(ours._id, { name: 'package.json', dir_id: ROOT_DIR_ID }),
    leftAlone,
  )
  await stack.flush()
  assert.equal(readFileSync(join(dir.path, 'package.json'), 'utf8'), '{"mine": true}')
  assert.deepEqual(readdirSync(dir.path).sort(), ['d', 'importedData.json', 'package.json'])
  // Looking at it wrote nothing about it.
  assert.deepEqual(
    readData(dir.path)['io.cozy.files']!.map(doc => doc.name),
    ['d', 'ours'],
  )
})

test('what is said of a file of the author is kept, and it stays theirs', async () => {
  using dir = temporaryDirectory()
  writeFileSync(join(dir.path, 'mine.pdf'), 'mine')
  const first = open(dir.path)
  const file = await first.client.files.statByPath('/mine.pdf')
  await first.client.files.updateAttributes(file._id, { metadata: { k: 1 } })
  await first.stack.flush()
  const { client } = open(dir.path)
  const again = await client.files.statByPath('/mine.pdf')
  assert.deepEqual([again._id, again.metadata], [file._id, { k: 1 }])
  await assert.rejects(client.files.replace(again._id, 'x'), leftAlone)
})

test('a directory of the author may be used, but not moved or removed', async () => {
  using dir = temporaryDirectory()
  mkdirSync(join(dir.path, 'data/sub'), { recursive: true })
  const first = open(dir.path)
  const folder = await first.client.files.ensureDirectory('/data/sub')
  assert.equal(folder.path, '/data/sub')
  const file = await first.client.files.create('x', { name: 'a.pdf', dirId: folder._id })
  await assert.rejects(first.client.files.trash(folder._id), leftAlone)
  await assert.rejects(first.client.files.updateAttributes(folder._id, { name: 'x' }), leftAlone)
  await assert.rejects(first.client.files.createDirectory({ name: 'data', dirId: ROOT_DIR_ID }), { status: 409 })
  await first.stack.flush()
  const second = open(dir.path)
  assert.equal((await second.client.files.statByPath('/data/sub/a.pdf'))._id, file._id)
  assert.equal((await second.client.files.statById(folder._id)).path, '/data/sub')
  await second.client.files.replace(file._id, 'y')
  await second.client.files.destroy(file._id)
})

test('a directory of ours with something of the author in it stays', async () => {
  using dir = temporaryDirectory()
  const { client } = open(dir.path)
  const folder = await client.files.ensureDirectory('/ours/deep')
  await client.files.create('x', { name: 'a', dirId: folder._id })
  writeFileSync(join(dir.path, 'ours/deep/notes.txt'), 'mine')
  const top = await client.files.statByPath('/ours')
  await assert.rejects(client.files.destroy(top._id), leftAlone)
  await assert.rejects(client.files.trash(top._id), leftAlone)
  await assert.rejects(client.files.updateAttributes(top._id, { name: 'x' }), leftAlone)
  assert.deepEqual(readdirSync(join(dir.path, 'ours/deep')).sort(), ['a', 'notes.txt'])
})

test('a file of ours edited by hand is theirs from then on, whatever its new length', async () => {
  for (const content of ['longer than before', 'SAME!']) {
    using dir = temporaryDirectory()
    const { client } = open(dir.path)
    const file = await client.files.create('same!', {
      name: 'a.txt',
      dirId: ROOT_DIR_ID,
      metadata: { fileIdAttributes: 'k' },
    })
    writeFileSync(join(dir.path, 'a.txt'), content)
    await assert.rejects(client.files.replace(file._id, 'x'), leftAlone)
    await assert.rejects(client.files.trash(file._id), leftAlone)
    await assert.rejects(client.files.destroy(file._id), leftAlone)
    assert.equal(readFileSync(join(dir.path, 'a.txt'), 'utf8'), content)
    // Still found by what identifies it, so that it is not downloaded again beside.
    const [found] = await client.files.findAll({ selector: { metadata: { fileIdAttributes: 'k' }, trashed: false } })
    assert.deepEqual([found?._id, found?.size], [file._id, String(content.length)])
  }
})

test('a recorded file removed by hand is forgotten, in the same run and the next', async () => {
  using dir = temporaryDirectory()
  const first = open(dir.path)
  const folder = await first.client.files.ensureDirectory('/d')
  const files = []
  for (const name of ['a', 'b'])
    files.push(await first.client.files.create('x', { name, dirId: folder._id, metadata: { name } }))
  const byMetadata = { selector: { metadata: { name: { $gt: null } } } }
  rmSync(join(dir.path, 'd/a'))
  assert.deepEqual(
    (await first.client.files.findAll(byMetadata)).map(file => file.name),
    ['b'],
  )
  await assert.rejects(first.client.files.statById(files[0]!._id), { status: 404 })
  await first.stack.flush()
  rmSync(join(dir.path, 'd'), { recursive: true })
  const second = open(dir.path)
  assert.deepEqual(await second.client.files.findAll(byMetadata), [])
  await assert.rejects(second.client.files.statByPath('/d'), { status: 404 })
  await second.stack.flush()
  assert.deepEqual(readData(dir.path)['io.cozy.files'], [])
  const again = await second.client.files.ensureDirectory('/d')
  await second.client.files.create('x', { name: 'a', dirId: again._id })
})

test('a file replaced by a directory by hand is forgotten', async () => {
  using dir = temporaryDirectory()
  const { client } = open(dir.path)
  const file = await client.files.create('x', { name: 'a', dirId: ROOT_DIR_ID })
  rmSync(join(dir.path, 'a'))
  mkdirSync(join(dir.path, 'a'))
  await assert.rejects(client.files.statById(file._id), { status: 404 })
  assert.equal((await client.files.statByPath('/a')).type, 'directory')
})

test('something that appears during an upload is not overwritten', async () => {
  using dir = temporaryDirectory()
  const { client } = open(dir.path)
  const body = (async function* () {
    yield new TextEncoder().encode('of the vendor')
    writeFileSync(join(dir.path, 'a'), 'mine')
  })()
  await assert.rejects(client.files.create(body, { name: 'a', dirId: ROOT_DIR_ID }), leftAlone)
  assert.equal(readFileSync(join(dir.path, 'a'), 'utf8'), 'mine')
  assert.deepEqual(readdirSync(dir.path), ['a'])
})

test('of two uploads of one name, one wins and the other is told', async () => {
  using dir = temporaryDirectory()
  const { client } = open(dir.path)
  const results = await Promise.allSettled(
    ['one', 'two'].map(text => client.files.create(text, { name: 'a', dirId: ROOT_DIR_ID })),
  )
  assert.deepEqual(results.map(result => result.status).sort(), ['fulfilled', 'rejected'])
  const kept = await (await client.files.download((await client.files.statByPath('/a'))._id)).text()
  assert.equal(kept, readFileSync(join(dir.path, 'a'), 'utf8'))
})

test('no path leaves the root: dots, absolute names, NUL, symbolic links', async () => {
  using outside = temporaryDirectory()
  writeFileSync(join(outside.path, 'secret'), 'secret')
  const root = mkdtempSync(join(outside.path, 'root-'))
  symlinkSync(outside.path, join(root, 'link'))
  symlinkSync(join(outside.path, 'secret'), join(root, 'file-link'))
  symlinkSync(join(outside.path, 'nothing'), join(root, 'dangling'))
  const { stack, client } = open(root)
  for (const path of [
    '/../secret',
    '/x/../../secret',
    '/link/secret',
    '/file-link',
    '/link',
    '/dangling',
    '/%2e%2e/secret',
    '/a\0b',
  ]) {
    const answer = await send(stack, 'GET', `/files/metadata?Path=${encodeURIComponent(path)}`)
    assert.ok(answer.status === 404 || answer.status === 422, `${path}: ${answer.status}`)
    assert.equal((await send(stack, 'GET', `/files/download?Path=${encodeURIComponent(path)}`)).status, answer.status)
  }
  for (const name of ['..', '.', '../x', '/etc/x', 'a/b', 'a\0b', 'a\nb', 'a\rb', '', 'x'.repeat(256)]) {
    for (const type of ['file', 'directory']) {
      const answer = await send(stack, 'POST', `/files/?Type=${type}&Name=${encodeURIComponent(name)}`, 'x')
      assert.deepEqual(
        [answer.status, answer.body.errors[0].source],
        [422, { parameter: 'name' }],
        JSON.stringify(name),
      )
    }
  }
  for (const name of ['link', 'file-link', 'dangling']) {
    await assert.rejects(client.files.create('x', { name, dirId: ROOT_DIR_ID }), { status: 409 }, name)
    await assert.rejects(client.files.createDirectory({ name, dirId: ROOT_DIR_ID }), { status: 409 }, name)
  }
  await assert.rejects(client.files.ensureDirectory('/link/made'), { status: 409 })
  const climbing = await client.files.ensureDirectory('/a/../../b')
  assert.equal(climbing.path, '/b')
  assert.deepEqual(readdirSync(outside.path).sort(), [root.split('/').at(-1), 'secret'])
  assert.equal(readFileSync(join(outside.path, 'secret'), 'utf8'), 'secret')

  // A directory of ours that somebody replaced by a link is not followed either.
  const file = await client.files.create('x', { name: 'f', dirId: climbing._id })
  renameSync(join(root, 'b'), join(outside.path, 'b'))
  symlinkSync(join(outside.path, 'b'), join(root, 'b'))
  await assert.rejects(client.files.replace(file._id, 'y'), { status: 404 })
  assert.equal(readFileSync(join(outside.path, 'b/f'), 'utf8'), 'x')
})

test('the root itself may be reached through a link', async () => {
  using dir = temporaryDirectory()
  mkdirSync(join(dir.path, 'real'))
  symlinkSync('real', join(dir.path, 'root'))
  const { client } = open(join(dir.path, 'root'))
  await client.files.create('x', { name: 'a', dirId: ROOT_DIR_ID })
  assert.ok(existsSync(join(dir.path, 'real/a')))
})

test('the place of the data file is not a file of the konnector, even before it exists', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  for (const name of ['importedData.json', '.importedData.json.1-1.journal', '.konnectory-1-1.part']) {
    await assert.rejects(client.files.create('x', { name, dirId: ROOT_DIR_ID }), leftAlone)
  }
  await assert.rejects(client.files.createDirectory({ name: 'importedData.json', dirId: ROOT_DIR_ID }), leftAlone)
  await stack.flush()
  assert.deepEqual(readData(dir.path), { 'io.cozy.files': [] })
})

test('names that Windows cannot store are refused there: a backslash would leave the directory', () => {
  for (const name of ['..\\up', 'a:b', 'CON', 'nul.txt', 'end.', 'a?']) {
    assert.throws(() => checkName(name, 'win32'), { status: 422 })
    assert.equal(checkName(name, 'linux'), name)
  }
  assert.equal(checkName('console.txt', 'win32'), 'console.txt')
})

test('records of the former tools are ours, in their directories, with their ids', async () => {
  using dir = temporaryDirectory()
  mkdirSync(join(dir.path, 'sub'))
  for (const path of ['x.txt', 'sub/y.pdf']) writeFileSync(join(dir.path, path), 'content')
  const record = (_id: string, dir_id: string, name: string, mime: string) => ({
    _id,
    dir_id,
    metadata: { fileIdAttributes: _id },
    trashed: false,
    attributes: { mime, name, size: 7 },
    cozyMetadata: { createdByApp: 'acme' },
  })
  const data = {
    'io.cozy.files': [
      record('k1', '.', 'x.txt', 'text/plain'),
      record('k2', 'sub', 'y.pdf', 'application/pdf'),
      record('k3', '.', 'gone', 'text/plain'),
    ],
  }
  writeFileSync(join(dir.path, 'importedData.json'), JSON.stringify(data))
  const { client } = open(dir.path)
  const found = await client.files.findAll({ selector: { cozyMetadata: { createdByApp: 'acme' } } })
  assert.deepEqual(
    found.map(file => [file._id, file.path, file.mime, file.size]),
    [
      ['k1', '/x.txt', 'text/plain', '7'],
      ['k2', '/sub/y.pdf', 'application/pdf', '7'],
    ],
  )
  await client.files.replace('k2', 'new')
  assert.equal(readFileSync(join(dir.path, 'sub/y.pdf'), 'utf8'), 'new')
})

test('a fixture does not make a file ours', async () => {
  using dir = temporaryDirectory()
  writeFileSync(join(dir.path, 'index.js'), 'mine')
  const fixture = {
    'io.cozy.files': [
      { _id: 'f', name: 'index.js', size: '4', metadata: { k: 1 } },
      { _id: 'g', name: 'absent' },
    ],
  }
  const { client } = open(dir.path, { fixture })
  const file = await client.files.statByPath('/index.js')
  assert.deepEqual([file._id, file.metadata], ['f', { k: 1 }])
  await assert.rejects(client.files.destroy('f'), leftAlone)
  await assert.rejects(client.files.statById('g'), { status: 404 })
})

test('uploads of a killed process are removed at the next start, those of a living one are not', async () => {
  using dir = temporaryDirectory()
  const living = `.konnectory-${process.ppid}-1.part`
  for (const name of ['.konnectory-999999999-1.part', living]) writeFileSync(join(dir.path, name), 'x')
  open(dir.path)
  assert.deepEqual(readdirSync(dir.path), [living])
})
