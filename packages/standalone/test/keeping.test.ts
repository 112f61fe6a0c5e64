import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT_DIR_ID } from '@konnectory/client'
import { open, readData, temporaryDirectory } from './support/stack.ts'

const write = (root: string, text: string, name = 'importedData.json') => writeFileSync(join(root, name), text)
const names = (root: string) => readdirSync(root).sort()

test('documents are kept in the second generation form, two-space JSON, read again at the next start', async () => {
  using dir = temporaryDirectory()
  const first = open(dir.path)
  const doc = await first.client.data.create('io.cozy.bills', { _id: 'b1', amount: 12.5 })
  await first.stack.flush()
  assert.equal(
    readFileSync(join(dir.path, 'importedData.json'), 'utf8'),
    `{
  "io.cozy.files": [],
  "io.cozy.bills": [
    {
      "_id": "b1",
      "_rev": "${doc._rev}",
      "amount": 12.5
    }
  ]
}
`,
  )
  assert.deepEqual(names(dir.path), ['importedData.json'])
  const second = open(dir.path)
  assert.deepEqual(await second.client.data.all('io.cozy.bills'), [{ _id: 'b1', _rev: doc._rev, amount: 12.5 }])
})

test('flush makes the file when it is absent; an empty one counts as {}', async () => {
  for (const text of [undefined, '', ' \n']) {
    using dir = temporaryDirectory()
    if (text !== undefined) write(dir.path, text)
    const { stack } = open(dir.path)
    await stack.flush()
    assert.deepEqual(readData(dir.path), { 'io.cozy.files': [] })
  }
})

test('another place for the data file, made with its directory', async () => {
  using dir = temporaryDirectory()
  const dataFile = join(dir.path, 'kept', 'data.json')
  const { stack, client } = open(join(dir.path, 'files'), { dataFile })
  await client.data.create('io.cozy.t', { v: 1 })
  await stack.flush()
  assert.equal(readData(dir.path, 'kept/data.json')['io.cozy.t']!.length, 1)
  assert.deepEqual(names(join(dir.path, 'files')), [])
})

test('wrong content is refused with the file and the place', () => {
  const cases: [string, RegExp][] = [
    ['{\n "a": [}\n}', /importedData\.json is not valid JSON: .* at line 2, column 8/],
    ['"text"', /importedData\.json should hold an object/],
    ['{"io.cozy.t": {}}', /"io\.cozy\.t" should be an array/],
    ['{"io.cozy.t": [1]}', /item 0 of "io\.cozy\.t" should be an object/],
    ['{"io.cozy.t": [{"_id":"a"},{"_id":"a"}]}', /two documents of io\.cozy\.t have the _id "a"/],
    ['[{"_id":"a"}]', /item 0 should be an object with a "doctype"/],
  ]
  for (const [text, message] of cases) {
    using dir = temporaryDirectory()
    write(dir.path, text)
    assert.throws(() => open(dir.path), message)
    assert.equal(readFileSync(join(dir.path, 'importedData.json'), 'utf8'), text)
  }
})

test('documents written by hand, without _id and _rev, in a file with comments, load and get stable ids', async () => {
  using dir = temporaryDirectory()
  write(dir.path, `{ // mine\n"io.cozy.t": [{"v": 1}, {"v": 1}, {"_id": "x", "v": 2},]}`)
  const load = async () => (await open(dir.path).client.data.all('io.cozy.t')).sort((a, b) => (a._id < b._id ? -1 : 1))
  const docs = await load()
  assert.equal(new Set(docs.map(doc => doc._id)).size, 3)
  assert.ok(docs.every(doc => /^1-[0-9a-f]+$/.test(doc._rev)))
  assert.deepEqual(await load(), docs)
  const { client } = open(dir.path)
  assert.match((await client.data.updateAttributes('io.cozy.t', 'x', { v: 3 }))._rev, /^2-/)
})

test('the array form of 2018 is read, and written in the newer form', async () => {
  using dir = temporaryDirectory()
  write(
    dir.path,
    JSON.stringify([
      { _id: 'a', doctype: 'io.cozy.bills', n: 1 },
      { _id: 'b', doctype: 'io.cozy.t', n: 2 },
    ]),
  )
  const { stack, client } = open(dir.path)
  await client.data.create('io.cozy.t', { n: 3 })
  await stack.flush()
  const data = readData(dir.path)
  assert.deepEqual([data['io.cozy.bills']!.length, data['io.cozy.t']!.map(doc => doc.n)], [1, [2, 3]])
})

test('a fixture seeds doctypes without stored documents, is never written, and is kept whole from the first write on', async () => {
  using dir = temporaryDirectory()
  const fixture = join(dir.path, 'fixture.json')
  const seeds =
    '{ /* seeds */ "io.cozy.bank.operations": [{"_id": "o1", "label": "a"}, {"label": "b"}], "io.cozy.bills": [{"_id": "seed"}] }'
  writeFileSync(fixture, seeds)
  write(dir.path, '{"io.cozy.bills": [{"_id": "stored"}]}')
  const first = open(dir.path, { fixture })
  assert.deepEqual(
    (await first.client.data.all('io.cozy.bills')).map(doc => doc._id),
    ['stored'],
  )
  assert.equal((await first.client.data.all('io.cozy.bank.operations')).length, 2)
  await first.stack.flush()
  assert.equal(readData(dir.path)['io.cozy.bank.operations'], undefined)
  await first.client.data.updateAttributes('io.cozy.bank.operations', 'o1', { bills: ['x'] })
  await first.stack.flush()
  assert.deepEqual(
    readData(dir.path)['io.cozy.bank.operations']!.map(doc => doc.label),
    ['a', 'b'],
  )
  assert.equal(readFileSync(fixture, 'utf8'), seeds)
  const second = open(dir.path, { fixture })
  const operations = await second.client.data.findAll('io.cozy.bank.operations', { selector: {}, sort: ['label'] })
  assert.deepEqual(
    operations.map(doc => [doc.label, doc.bills]),
    [
      ['a', ['x']],
      ['b', undefined],
    ],
  )
})

test('a fixture as a value, in the form of 2018, or absent', async () => {
  using dir = temporaryDirectory()
  const value = { 'io.cozy.t': [{ _id: 'a', deep: { n: 1 } }] }
  const { client } = open(dir.path, { fixture: value })
  await client.data.updateAttributes('io.cozy.t', 'a', { n: 2 })
  assert.deepEqual(value, { 'io.cozy.t': [{ _id: 'a', deep: { n: 1 } }] })
  using other = temporaryDirectory()
  assert.equal(
    (await open(other.path, { fixture: [{ doctype: 'io.cozy.t', v: 1 }] }).client.data.all('io.cozy.t')).length,
    1,
  )
  assert.deepEqual(await open(other.path, { fixture: join(other.path, 'none.json') }).client.data.all('io.cozy.t'), [])
  writeFileSync(join(other.path, 'bad.json'), '{')
  assert.throws(() => open(other.path, { fixture: join(other.path, 'bad.json') }), /bad\.json is not valid JSON/)
})

test('a symbolic link to the data file stays one, and the mode of the file too', async () => {
  using dir = temporaryDirectory()
  mkdirSync(join(dir.path, 'real'))
  write(dir.path, '{}', 'real/data.json')
  chmodSync(join(dir.path, 'real/data.json'), 0o640)
  symlinkSync('real/data.json', join(dir.path, 'importedData.json'))
  const { stack, client } = open(dir.path)
  await client.data.create('io.cozy.t', { v: 1 })
  await stack.flush()
  assert.equal(readData(dir.path, 'real/data.json')['io.cozy.t']!.length, 1)
  assert.equal(statSync(join(dir.path, 'real/data.json')).mode & 0o777, 0o640)
})

test('what cannot be kept is not acknowledged, and flush says why', async () => {
  using dir = temporaryDirectory()
  const dataFile = join(dir.path, 'kept/data.json')
  const { stack, client, events } = open(join(dir.path, 'files'), { dataFile })
  rmSync(join(dir.path, 'kept'), { recursive: true })
  writeFileSync(join(dir.path, 'kept'), 'a file where the directory was')
  await assert.rejects(client.data.create('io.cozy.t', { v: 1 }), { status: 500, message: /ENOTDIR/ })
  await assert.rejects(client.files.create('x', { name: 'a', dirId: ROOT_DIR_ID }), { status: 500, message: /ENOTDIR/ })
  await assert.rejects(stack.flush(), /ENOTDIR/)
  assert.deepEqual(await client.data.all('io.cozy.t'), [])
  assert.deepEqual(names(join(dir.path, 'files')), [])
  assert.deepEqual(events, [])
})

test('the same clock and calls give the same bytes; ids of an earlier run are not given again', async () => {
  const run = async (root: string) => {
    const { stack, client } = open(root, { clock: () => new Date('2025-01-02T03:04:05.678Z') })
    await client.data.create('io.cozy.t', { v: 1 })
    const folder = await client.files.ensureDirectory('/a')
    const name = `${(await client.data.all('io.cozy.t')).length}.pdf`
    await client.files.create('x', { name, dirId: folder._id, metadata: { k: 1 } })
    await stack.flush()
    return readFileSync(join(root, 'importedData.json'), 'utf8')
  }
  using a = temporaryDirectory()
  using b = temporaryDirectory()
  assert.equal(await run(a.path), await run(b.path))
  assert.match(await run(a.path), /2025-01-02T03:04:05\.678Z/)
  assert.equal(new Set(readData(a.path)['io.cozy.t']!.map(doc => doc._id)).size, 2)
  assert.equal(readData(a.path)['io.cozy.files']!.length, 3)
})

test('a save cut by a kill is removed at the next start', () => {
  using dir = temporaryDirectory()
  const living = `.importedData.json.${process.ppid}-1.part`
  for (const name of ['.importedData.json.999999999-1.part', living, '.importedData.json.mine'])
    write(dir.path, '{', name)
  open(dir.path)
  assert.deepEqual(names(dir.path), [living, '.importedData.json.mine'].sort())
})

// The same stack in a process of its own, to see what remains when it ends.

async function startWriter(root: string, ending: string): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'support/writer.ts'), [root, ending], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [message] = await once(child, 'message')
  assert.equal(message, 'written')
  return child
}

for (const ending of ['return', 'exit', 'SIGINT', 'SIGKILL']) {
  test(`nothing acknowledged is lost when the process ends by ${ending}`, { timeout: 20_000 }, async () => {
    using dir = temporaryDirectory()
    const child = await startWriter(dir.path, ending)
    if (ending.startsWith('SIG')) child.kill(ending as NodeJS.Signals)
    await once(child, 'exit')
    if (!ending.startsWith('SIG')) {
      assert.deepEqual(names(dir.path), ['folder', 'importedData.json'])
      assert.equal(readData(dir.path)['io.cozy.t']!.length, 50)
    }
    const { stack, client } = open(dir.path)
    const docs = await client.data.all('io.cozy.t')
    assert.deepEqual(
      docs.map(doc => doc.n).sort((a, b) => Number(a) - Number(b)),
      [...Array.from({ length: 49 }, (_, n) => n), 'updated'],
    )
    const file = await client.files.statByPath('/folder/a.txt')
    assert.deepEqual(file.metadata, { k: 'v' })
    // Ours still, so the konnector may replace it.
    await client.files.replace(file._id, 'new')
    await stack.flush()
    assert.deepEqual(names(dir.path), ['folder', 'importedData.json'])
    assert.equal(readData(dir.path)['io.cozy.t']!.length, 50)
  })
}

test('the file is rewritten a few times, not once per document', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  await stack.flush()
  const path = join(dir.path, 'importedData.json')
  const versions = new Set<number>()
  for (let n = 0; n < 1000; n++) {
    await client.data.create('io.cozy.t', { n })
    versions.add(statSync(path).ino)
  }
  await stack.flush()
  assert.ok(versions.size < 20, `${versions.size} rewrites`)
  assert.equal(readData(dir.path)['io.cozy.t']!.length, 1000)
})
