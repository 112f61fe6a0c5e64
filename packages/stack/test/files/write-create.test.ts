import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { md5, openWriteHouse } from './write-house.ts'

const house = await openWriteHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, upload, mkdir, root, stored, contentOf } = house

/** What has no slug in the token has none here: the token of these tests is JSON, which knows no undefined. */
const NO_SLUG = { slug: null as unknown as undefined, version: null as unknown as undefined }

const error = (answer: { json: { errors: Record<string, unknown>[] } }) => answer.json.errors[0]

test('an instance begins with root, trash and two folders in its language', async () => {
  const { json } = await ask(`/files/${root}`)
  const names = json.included.map((child: { attributes: { name: string } }) => child.attributes.name)
  assert.deepEqual(names, ['Administrative', 'Photos'])
  assert.deepEqual(json.included[0].attributes.referenced_by, [
    { type: 'io.cozy.apps', id: 'io.cozy.apps/administrative' },
  ])
  assert.equal(json.included[1].attributes.referenced_by, undefined)
  const french = (await ask(`/files/${root}`, { tenant: house.bob })).json.included
  assert.deepEqual(
    french.map((child: { attributes: { path: string } }) => child.attributes.path),
    ['/Administratif', '/Photos'],
  )
  assert.equal((await ask('/files/metadata?Path=/.cozy_trash')).json.data.id, 'io.cozy.files.trash-dir')
})

test('without folders the root has the administrative reference', async () => {
  await using bare = await openWriteHouse({ withFolders: () => false })
  const { json } = await bare.ask(`/files/${bare.root}`)
  assert.deepEqual(json.included, [])
  assert.deepEqual(json.data.attributes.referenced_by, [{ type: 'io.cozy.apps', id: 'io.cozy.apps/administrative' }])
})

test('an upload as cozy-client sends it: chunked, all parameters, most of them empty', async () => {
  const folder = await mkdir('/Administrative/Acme')
  const shelf = await ask('/files/upload/metadata', {
    method: 'POST',
    body: { data: { type: 'io.cozy.files.metadata', attributes: { fileIdAttributes: 'acme####2025-03' } } },
  })
  assert.equal(shelf.status, 201)
  const { sending, answer } = house.slowUpload(
    `/files/${folder.id}?Name=2025-03_facture.pdf&Type=file&Executable=false&Encrypted=false&MetadataID=${shelf.json.data.id}` +
      '&Size=&SourceAccount=acc001&SourceAccountIdentifier=me%40mail.net&CreatedAt=&UpdatedAt=&Tags=',
    { headers: { 'content-type': 'application/pdf; charset=binary', 'transfer-encoding': 'chunked' } },
  )
  sending.write('%PDF-')
  sending.end('1.7')
  const { status, json } = (await answer) as { status: number; json: { data: { id: string; attributes: object } } }
  assert.equal(status, 201)
  const { cozyMetadata, created_at, updated_at, ...attributes } = json.data.attributes as Record<string, string>
  assert.deepEqual(attributes, {
    type: 'file',
    name: '2025-03_facture.pdf',
    dir_id: folder.id,
    size: '8',
    md5sum: md5('%PDF-1.7'),
    mime: 'application/pdf',
    class: 'pdf',
    executable: false,
    trashed: false,
    encrypted: false,
    metadata: { fileIdAttributes: 'acme####2025-03' },
  })
  assert.equal(updated_at, created_at)
  const by = { slug: 'acme', version: '1.2.3' }
  const { createdAt, ...metadata } = cozyMetadata as unknown as Record<string, unknown>
  assert.deepEqual(metadata, {
    doctypeVersion: '1',
    metadataVersion: 1,
    createdByApp: 'acme',
    createdByAppVersion: '1.2.3',
    createdOn: 'http://alice.localhost/',
    updatedAt: createdAt,
    updatedByApps: [{ ...by, date: createdAt, instance: 'http://alice.localhost/' }],
    uploadedAt: createdAt,
    uploadedOn: 'http://alice.localhost/',
    uploadedBy: by,
    sourceAccount: 'acc001',
    sourceAccountIdentifier: 'me@mail.net',
  })
  assert.equal(await contentOf(json.data.id), '%PDF-1.7')
})

test('a command line token gives no slug, an OAuth client is named', async () => {
  const cli = await upload(root, 'cli.txt', 'x', { actor: { kind: 'cli', subject: 'CLI', ...NO_SLUG } })
  const byCli = (await stored(cli.id))!.cozyMetadata!
  for (const name of ['createdByApp', 'updatedByApps', 'uploadedBy']) assert.ok(!(name in byCli), name)
  assert.equal(byCli.createdOn, 'http://alice.localhost/')
  const client = { id: 'c1', kind: 'desktop', name: 'My laptop' }
  const synced = await upload(root, 'synced.txt', 'x', { actor: { kind: 'oauth', subject: 'c1', client, ...NO_SLUG } })
  assert.deepEqual((await stored(synced.id))!.cozyMetadata!.uploadedBy, { oauthClient: client })
})

test('dates: those of the query, else the Date header; unparsable ones are ignored', async () => {
  const at = async (parameters: string, headers = {}) => {
    const name = `dates-${Math.random()}`
    const { json } = await ask(`/files/?Type=file&Name=${name}&${parameters}`, { method: 'POST', body: 'x', headers })
    const { created_at, updated_at } = json.data.attributes
    return [created_at, updated_at]
  }
  const [june, july] = ['2024-06-01T10:00:00.000Z', '2024-07-01T10:00:00.123Z']
  assert.deepEqual(await at(`CreatedAt=2024-06-01T12:00:00%2B02:00&UpdatedAt=${july}`), [june, july])
  assert.deepEqual(await at(`CreatedAt=${june}`), [june, june])
  assert.deepEqual(await at(`CreatedAt=${july}&UpdatedAt=${june}`), [july, july], 'never changed before it was created')
  const header = { date: 'Sat, 01 Jun 2024 10:00:00 GMT' }
  assert.deepEqual(await at('', header), [june, june])
  const [created] = await at('CreatedAt=yesterday&UpdatedAt=1')
  assert.ok(Math.abs(Date.parse(created!) - house.now().getTime()) < 60_000)
})

describe('what is refused', () => {
  test('no type, another type, no name, bad names', async () => {
    for (const type of ['', 'Type=', 'Type=folder']) {
      const answer = await ask(`/files/?Name=x&${type}`, { method: 'POST' })
      assert.equal(answer.status, 422)
      assert.deepEqual(error(answer), {
        status: '422',
        title: 'Invalid Attribute',
        detail: 'Type should be file or directory',
        source: { pointer: 'type' },
      })
    }
    for (const name of ['', '.', '..', 'a%2Fb', 'a%00b', 'a%0Ab', 'a%0Db', 'x'.repeat(1001)]) {
      for (const type of ['file', 'directory']) {
        const answer = await ask(`/files/?Type=${type}&Name=${name}`, { method: 'POST', body: 'x' })
        assert.equal(answer.status, 422, `${type} ${name}`)
        assert.deepEqual(error(answer)!.source, { parameter: 'name' })
      }
    }
  })

  test('a parent that is missing, a file, or in the trash: 404; a taken name: 409', async () => {
    const file = await upload(root, 'parent.pdf')
    const gone = await mkdir('/gone/below')
    await ask(`/files/${(await stored(gone.id))!.dir_id}`, { method: 'DELETE' })
    for (const parent of ['nowhere', file.id, gone.id, 'io.cozy.files.trash-dir']) {
      for (const type of ['file', 'directory']) {
        const answer = await ask(`/files/${parent}?Type=${type}&Name=x`, { method: 'POST', body: 'x' })
        assert.equal(answer.status, 404, `${parent} ${type}`)
        assert.equal(error(answer)!.detail, 'file does not exist')
        assert.equal(error(answer)!.status, '404')
      }
    }
    for (const type of ['file', 'directory']) {
      const answer = await ask(`/files/?Type=${type}&Name=parent.pdf`, { method: 'POST', body: 'x' })
      assert.equal(answer.status, 409)
      assert.deepEqual(error(answer), {
        status: '409',
        title: 'Conflict',
        detail: 'file already exists',
        source: {},
      })
    }
  })

  test('an MD5 that differs or is none, a length that differs, and nothing is left', async () => {
    const before = house.blobFiles()
    const send = (name: string, headers: Record<string, string>, parameters = '') =>
      ask(`/files/?Type=file&Name=${name}${parameters}`, { method: 'POST', body: 'content', headers })
    const wrong = await send('md5', { 'content-md5': md5('other') })
    assert.equal(wrong.status, 412)
    assert.deepEqual(error(wrong), {
      status: '412',
      title: 'Precondition Failed',
      detail: 'Invalid hash',
      source: { parameter: 'Content-MD5' },
    })
    const short = await send('md5', { 'content-md5': 'abc' })
    assert.equal(short.status, 422)
    assert.deepEqual(error(short)!.source, { parameter: 'Content-MD5' })
    for (const size of [3, 70]) {
      const { sending, answer } = house.slowUpload(`/files/?Type=file&Name=size&Size=${size}`, {
        headers: { 'transfer-encoding': 'chunked' },
      })
      sending.end('content')
      const { status, json } = (await answer) as { status: number; json: { errors: { source: object }[] } }
      assert.equal(status, 412)
      assert.deepEqual(json.errors[0]!.source, { parameter: 'Content-Length' })
    }
    assert.equal((await send('size', {}, '&Size=abc')).status, 201, 'Content-Length goes before Size')
    assert.deepEqual(house.blobFiles().length, before.length + 1)
    assert.equal((await ask('/files/metadata?Path=/md5')).status, 404)
    const right = await send('md5', { 'content-md5': md5('content') })
    assert.equal(right.status, 201)
  })

  test('metadata that is unknown, expired or of another instance', async () => {
    const put = async () =>
      (await ask('/files/upload/metadata', { method: 'POST', body: { data: { attributes: { a: 1 } } } })).json.data.id
    const id = await put()
    const use = (metadata: string, request = {}) =>
      ask(`/files/?Type=file&Name=m-${Math.random()}&MetadataID=${metadata}`, { method: 'POST', body: 'x', ...request })
    assert.equal((await use(id)).status, 201)
    assert.equal((await use(id)).status, 201, 'an upload may be tried again')
    for (const answer of [await use('unknown'), await use('%00'), await use(id, { tenant: house.bob })]) {
      assert.equal(answer.status, 422)
      assert.deepEqual(error(answer)!.source, { parameter: 'MetadataID' })
    }
    house.advance(10 * 60_000)
    assert.equal((await use(id)).status, 422)
    await house.files.housekeeping()
    const { rows } = await house.database.driver.query('select count(*) from files_metadata_shelf')
    assert.equal(rows[0].count, '0')
    assert.equal((await ask('/files/upload/metadata', { method: 'POST', body: {} })).status, 400)
    assert.equal(
      (await ask('/files/upload/metadata', { method: 'POST', body: { data: {} }, scope: `io.cozy.files:POST:${root}` }))
        .status,
      403,
      'needs the whole type',
    )
  })
})

test('marks that certify are taken only from who may certify', async () => {
  const metadata = JSON.stringify({ carbonCopy: true, electronicSafe: true, other: 1 })
  const make = async (name: string, scope: string) => {
    const { data } = (
      await ask(`/files/?Type=file&Name=${name}&Metadata=${encodeURIComponent(metadata)}`, {
        method: 'POST',
        body: 'x',
        scope,
      })
    ).json
    return data
  }
  const plain = await make('plain', 'io.cozy.files')
  assert.deepEqual(plain.attributes.metadata, { other: 1 })
  const certified = await make('certified', 'io.cozy.files io.cozy.certified.carbon_copy:POST')
  assert.deepEqual(certified.attributes.metadata, { carbonCopy: true, other: 1 })
  const forged = await house.patch(plain.id, { metadata: { carbonCopy: true } })
  assert.equal(forged.json.data.attributes.metadata, undefined)
  const kept = await house.patch(certified.id, { metadata: { other: 2 } })
  assert.deepEqual(kept.json.data.attributes.metadata, { other: 2, carbonCopy: true })
})

describe('broken uploads', () => {
  test('a client that goes away leaves no file and no bytes', async () => {
    const before = house.blobFiles()
    const { sending, answer } = house.slowUpload('/files/?Type=file&Name=cut.bin', {
      headers: { 'content-length': '100000' },
    })
    sending.write(Buffer.alloc(50_000))
    // Wait until the server has begun to store it.
    while (house.blobFiles().length === before.length) await new Promise(setImmediate)
    sending.destroy()
    await assert.rejects(answer)
    while (house.blobFiles().length > before.length) await new Promise(setImmediate)
    assert.deepEqual(house.blobFiles(), before)
    assert.equal((await ask('/files/metadata?Path=/cut.bin')).status, 404)
    // The name is free for the next attempt.
    await upload(root, 'cut.bin')
  })

  test('two uploads of one name at the same time: one is there, the other a conflict without bytes', async () => {
    const before = house.blobFiles().length
    const path = '/files/?Type=file&Name=race.txt'
    const both = ['first', 'second'].map(content => ({
      content,
      ...house.slowUpload(path, { headers: { 'transfer-encoding': 'chunked' } }),
    }))
    for (const { sending } of both) sending.write('begun ')
    while (house.blobFiles().length < before + 2) await new Promise(setImmediate)
    for (const { sending, content } of both) sending.end(content)
    const answers = await Promise.all(both.map(({ answer }) => answer))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409])
    assert.equal(house.blobFiles().length, before + 1)
    const winner = answers.findIndex(({ status }) => status === 201)
    const { id } = (answers[winner] as { json: { data: { id: string } } }).json.data
    assert.equal(await contentOf(id), `begun ${both[winner]!.content}`)
  })

  test('a place that goes to the trash while bytes come in', async () => {
    const folder = await mkdir('/vanishing')
    const before = house.blobFiles()
    const { sending, answer } = house.slowUpload(`/files/${folder.id}?Type=file&Name=late.txt`, {
      headers: { 'transfer-encoding': 'chunked' },
    })
    sending.write('begun')
    while (house.blobFiles().length === before.length) await new Promise(setImmediate)
    await ask(`/files/${folder.id}`, { method: 'DELETE' })
    sending.end()
    assert.equal((await answer).status, 404)
    assert.deepEqual(house.blobFiles(), before)
  })
})

/** Sends blocks of 256 KiB without their length, and prints status and size; a process of its own: ours shows the server's memory. */
const SENDER = `
  const [url, host, authorization, blocks] = process.argv.slice(1)
  const { request } = require('node:http')
  const { Readable } = require('node:stream')
  const sending = request(url, { method: 'POST', headers: { host, authorization, accept: 'application/json' } }, async answer => {
    let text = ''
    for await (const piece of answer) text += piece
    console.log(answer.statusCode, JSON.parse(text).data.attributes.size)
  })
  const block = Buffer.alloc(256 * 1024, 7)
  Readable.from((function* () { for (let sent = 0; sent < Number(blocks); sent++) yield block })()).pipe(sending)
`

test('a file of any size goes through in the same memory', async () => {
  const MIB = 2 ** 20
  const send = async (mebibytes: number) => {
    const { url, headers } = house.target(`/files/?Type=file&Name=big-${mebibytes}.bin`)
    const args = ['-e', SENDER, url, headers.host!, headers.authorization!, String(mebibytes * 4)]
    let most = 0
    const looking = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss)
    }, 10)
    const { stdout } = await promisify(execFile)(process.execPath, args).finally(() => clearInterval(looking))
    assert.equal(stdout.trim(), `201 ${mebibytes * MIB}`)
    return most
  }
  // The first one shows how many blocks wait for the garbage collector (some 60 MiB). The second has 150 MiB more: who keeps a
  // content in memory grows by all of that; when the collector comes is worth 40 on a busy machine, so half is the line.
  const first = await send(100)
  const second = await send(250)
  assert.ok(second - first < 75 * MIB, `grew by ${Math.round((second - first) / MIB)} MiB`)
})

test('one event per file, only when it is whole', async () => {
  using told = house.subscribe()
  const file = await upload(root, 'told.txt')
  const events = told.events.filter(({ id }) => id === file.id)
  assert.deepEqual(
    events.map(({ verb, doc }) => [verb, doc.trashed, doc.size]),
    [['CREATED', false, '8']],
  )
})
