import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { FileEntry, SaveFilesOptions } from '../../src/save/file-entry.ts'
import { saveFiles } from '../../src/save/index.ts'
import { byKind, type House, openHouse, openVendor, PDF, pdfVendor } from './house.ts'

const FOLDER = '/Administrative/Acme/me'
const save = (house: House, entries: FileEntry[], options: SaveFilesOptions = {}) =>
  saveFiles(house.context, entries, { folderPath: FOLDER, ...options })
const text = (name: string, more: object = {}): FileEntry => ({
  filename: name,
  filestream: `text of ${name}`,
  ...more,
})

describe('saving files', () => {
  test('downloads, stores and gives back the same entries, cleaned', async () => {
    await using house = await openHouse()
    await using vendor = await pdfVendor()
    const entry: FileEntry = {
      fileurl: `${vendor.url}/a.pdf`,
      requestOptions: { headers: { 'x-a': 'b' } },
      shouldReplaceFile: () => false,
      fileAttributes: { metadata: { contentAuthor: 'acme' }, lastModifiedDate: '2024-01-02T03:04:05.000Z' },
      vendorRef: 'r1',
    }
    const result = await save(house, [entry], { fileIdAttributes: ['vendorRef'] })
    assert.equal(result[0], entry)
    assert.deepEqual(Object.keys(entry).sort(), ['fileAttributes', 'fileDocument', 'fileurl', 'vendorRef'])
    const { fileDocument: file } = entry
    assert.equal(file?.attributes.name, 'a.pdf')
    assert.equal(file?.mime, 'application/pdf')
    assert.equal(file?.size, String(PDF.length + '/a.pdf'.length))
    assert.deepEqual(file?.metadata, { contentAuthor: 'acme', fileIdAttributes: 'r1' })
    assert.equal(file?.cozyMetadata?.sourceAccount, 'account1')
    assert.equal(file?.cozyMetadata?.sourceAccountIdentifier, 'me@mail.test')
    assert.equal(file?.created_at, '2024-01-02T03:04:05.000Z')
    assert.equal(await house.content(`${FOLDER}/a.pdf`), `${PDF}/a.pdf`)
    assert.ok(house.lines.includes('info: saveFiles created 1 files for 1 entries'))
  })

  test('entries without anything to save come back untouched, without a request', async () => {
    await using house = await openHouse()
    const entry = { amount: 3 }
    assert.deepEqual(await save(house, [entry]), [{ amount: 3 }])
    assert.deepEqual(await save(house, []), [])
    assert.deepEqual(house.requests, [])
    assert.ok(house.lines.includes('warn: No file to download'))
    await assert.rejects(save(house, undefined as never), TypeError)
  })

  test('verboseFilesLog says what was created as a warning, and failed tries count', async () => {
    await using house = await openHouse()
    const broken = { filename: 'b.txt', fetchFile: () => Promise.reject(new Error('no')) }
    await save(house, [text('a.txt'), broken], { verboseFilesLog: true })
    assert.ok(house.lines.includes('warn: saveFiles created 2 files for 2 entries'))
  })

  test('the file document has everything both at its top and under attributes', async () => {
    await using house = await openHouse()
    const [entry] = await save(house, [text('a.txt', { fileAttributes: { metadata: { contentAuthor: 'acme' } } })])
    const { fileDocument: file } = entry as { fileDocument: Record<string, unknown> }
    assert.equal(file.id, file._id)
    assert.deepEqual([file._type, file.type], ['io.cozy.files', 'file'])
    assert.equal((file.meta as { rev: string }).rev, file._rev)
    const attributes = file.attributes as Record<string, unknown>
    for (const name of ['name', 'dir_id', 'mime', 'size', 'class', 'md5sum', 'metadata', 'cozyMetadata', 'type']) {
      assert.ok(attributes[name] !== undefined, name)
      assert.deepEqual(file[name], attributes[name], name)
    }
    assert.ok(file.links && file.relationships)
    assert.equal(typeof file.size, 'string')
  })

  test('on the wire: metadata first, then the file with its account and its dates', async () => {
    await using house = await openHouse()
    const fileAttributes = { metadata: { contentAuthor: 'acme' }, lastModifiedDate: '2024-01-02T03:04:05.000Z' }
    await save(house, [text('a.txt', { fileAttributes })])
    const [metadata, upload] = house
      .take()
      .filter(line => /^POST \/files\/(?!_find)/.test(line))
      .slice(-2)
    assert.equal(metadata, 'POST /files/upload/metadata')
    const query = new URL(upload?.split(' ')[1] ?? '', house.url).searchParams
    assert.deepEqual(
      ['Name', 'Type', 'SourceAccount', 'SourceAccountIdentifier', 'CreatedAt', 'UpdatedAt'].map(name =>
        query.get(name),
      ),
      ['a.txt', 'file', 'account1', 'me@mail.test', fileAttributes.lastModifiedDate, fileAttributes.lastModifiedDate],
    )
    assert.ok(query.get('MetadataID'))
  })

  test('warns when files can only be recognised by their path', async () => {
    await using house = await openHouse({ accountId: undefined, accountIdentifier: undefined })
    await save(house, [])
    assert.equal(house.lines.filter(line => line.startsWith('warn')).length, 4)
  })

  test('a filestream without filename leaves the result', async () => {
    await using house = await openHouse()
    assert.deepEqual(await save(house, [{ filestream: 'x' }, { other: 1 }]), [{ other: 1 }])
    assert.match(house.lines.join('\n'), /warn: Missing filename/)
  })

  test('attributes may be functions of the entry', async () => {
    await using house = await openHouse()
    await using vendor = await pdfVendor()
    const [entry] = await save(house, [
      {
        ref: 7,
        fileurl: e => `${vendor.url}/${e.ref}`,
        filename: e => `${e.ref}.pdf`,
        requestOptions: () => ({ method: 'POST' }),
      },
    ])
    assert.equal(entry?.fileDocument?.name, '7.pdf')
    assert.equal(entry?.filename, '7.pdf')
    assert.deepEqual(vendor.requests, ['POST /7'])
  })

  test('FIX-9: filestream may be a function, fetchFile may be an option; fetchFile is only called when needed', async () => {
    await using house = await openHouse()
    let fetched = 0
    const options = { fetchFile: async () => `fetched ${++fetched}` }
    await save(house, [text('a.txt', { filestream: (entry: FileEntry) => Readable.from([`by ${entry.filename}`]) })])
    assert.equal(await house.content(`${FOLDER}/a.txt`), 'by a.txt')
    await save(house, [{ filename: 'b.txt' }], options)
    assert.equal(await house.content(`${FOLDER}/b.txt`), 'fetched 1')
    await save(house, [{ filename: 'b.txt' }], options)
    assert.equal(fetched, 1)
    await save(house, [{ filename: 'c.txt', fetchFile: async () => Buffer.from('own') }], options)
    assert.equal(await house.content(`${FOLDER}/c.txt`), 'own')
  })

  test('FIX-13: small Buffers are stored to the byte', async () => {
    await using house = await openHouse()
    await save(house, [{ filename: 'a.bin', filestream: Buffer.from('tiny') }])
    assert.equal(await house.content(`${FOLDER}/a.bin`), 'tiny')
  })

  test('content types: text, by name, by vendor, forced', async () => {
    await using house = await openHouse()
    await using vendor = await openVendor((_message, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(PDF)
    })
    const types = async (entry: FileEntry, options = {}) => (await save(house, [entry], options))[0]?.fileDocument?.mime
    assert.equal(await types({ filename: 'a', filestream: 'text' }), 'text/plain')
    assert.equal(await types({ filename: 'a.pdf', filestream: Buffer.from(PDF) }), 'application/pdf')
    assert.equal(await types({ filename: 'b.pdf', fileurl: vendor.url }), 'application/pdf')
    assert.equal(
      await types({ filename: 'c', fileurl: vendor.url }, { contentType: 'application/pdf' }),
      'application/pdf',
    )
    assert.equal(
      await types({ filename: 'd.html', filestream: Buffer.from('<p>') }, { contentType: true }),
      'text/html',
    )
    const attributes = { fileAttributes: { contentType: 'image/png' } }
    assert.equal(await types({ filename: 'e', filestream: 'x', ...attributes }, { contentType: 'a/b' }), 'image/png')
  })

  test('postProcess gets the entry with its file; its failure keeps the entry', async () => {
    await using house = await openHouse()
    const seen: unknown[] = []
    const result = await save(house, [text('a.txt')], {
      postProcess: entry => {
        seen.push(entry.fileDocument?.name)
        throw new Error('in postProcess')
      },
    })
    assert.deepEqual(seen, ['a.txt'])
    assert.equal(result.length, 1)
    assert.ok(house.lines.includes('warn: in postProcess'))
  })

  test('progress: bytes while downloading, then how each entry ended', async () => {
    await using house = await openHouse()
    await save(house, [text('a.txt'), { filename: 'b.pdf', filestream: 'not a pdf' }], { concurrency: 1 })
    await save(house, [text('a.txt')])
    assert.deepEqual(
      house.progress.map(({ kind, name, done, of }) => [kind, name, done, of]),
      [
        ['download', 'a.txt', undefined, undefined],
        ['saved', 'a.txt', 1, 2],
        ['download', 'b.pdf', undefined, undefined],
        ['failed', 'b.pdf', 2, 2],
        ['skipped', 'a.txt', 1, 1],
      ],
    )
  })
})

describe('where files go', () => {
  test('FIX-11: the folder is made and referenced, without a reference to no contract', async () => {
    await using house = await openHouse()
    await save(house, [text('a.txt', { subPath: 'Sub' })])
    const folder = await house.file(`${FOLDER}/Sub`)
    assert.deepEqual(folder.attributes.referenced_by, [
      { id: 'io.cozy.konnectors/acme', type: 'io.cozy.konnectors' },
      { id: 'me@mail.test', type: 'io.cozy.accounts.sourceAccountIdentifier' },
    ])
    await house.file(`${FOLDER}/Sub/a.txt`)
  })

  test('FIX-11: the folder is made without an account identifier too, and then not referenced', async () => {
    await using house = await openHouse({ accountIdentifier: undefined })
    await save(house, [text('a.txt')], { subPath: 'Sub' })
    await house.file(`${FOLDER}/Sub/a.txt`)
    assert.ok(!house.requests.some(request => /^POST .*relationships/.test(request)))
  })

  test('only sub folders are referenced, not the destination folder', async () => {
    await using house = await openHouse()
    await save(house, [text('a.txt'), text('b.txt', { contract: { id: 'nameless' } as never })])
    await save(house, [text('c.txt', { subPath: 'Sub' })])
    assert.equal((await house.file(FOLDER)).attributes.referenced_by ?? undefined, undefined)
    await house.file(`${FOLDER}/b.txt`)
  })

  test('a contract gets a folder with three references, in order', async () => {
    await using house = await openHouse()
    await save(house, [text('a.txt', { contract: { id: 'c1', name: 'Home' }, subPath: 'ignored' })])
    await house.file(`${FOLDER}/Home/a.txt`)
    const added = house.requests.filter(request => /^POST .*relationships/.test(request)).map(decodeURIComponent)
    assert.deepEqual(
      added.map(request => request.split('/').slice(2, -2).join('/')),
      [
        'io.cozy.konnectors/io.cozy.konnectors/acme',
        'io.cozy.accounts.sourceAccountIdentifier/me@mail.test',
        'io.cozy.accounts.contracts/c1',
      ],
    )
  })

  test('a contract’s folder that the user moved is found again by its reference', async () => {
    await using house = await openHouse()
    const contract = { id: 'c1', name: 'Home' }
    await save(house, [text('a.txt', { contract })])
    const folder = await house.file(`${FOLDER}/Home`)
    await house.client.files.updateAttributes(folder._id, { name: 'My house' })
    house.take()
    await save(house, [text('b.txt', { contract })])
    await house.file(`${FOLDER}/My house/b.txt`)
    assert.ok(!house.requests.some(request => /^POST .*relationships/.test(request)))
  })

  test('a folder that cannot be made ends the call', async () => {
    await using house = await openHouse()
    await assert.rejects(saveFiles(house.context, [text('a.txt')], {}), /Cannot save files: no destination folder/)
    house.intercept = (message, response) => {
      if (!message.url?.startsWith('/files/metadata')) return false
      response.writeHead(403).end('{"errors":[{"status":"403"}]}')
      return true
    }
    await assert.rejects(save(house, [text('a.txt')]), /Cannot save files: .*403/)
  })
})

describe('knowing files again', () => {
  const keyed = { fileIdAttributes: ['vendorRef'] }

  test('by key, wherever the user moved and however they renamed it', async () => {
    await using house = await openHouse()
    const [first] = await save(house, [text('a.txt', { vendorRef: 'r' })], keyed)
    const elsewhere = await house.client.files.createDirectory({ name: 'Elsewhere', dirId: 'io.cozy.files.root-dir' })
    await house.client.files.updateAttributes(first?.fileDocument?._id as string, {
      name: 'mine.txt',
      dir_id: elsewhere._id,
    })
    house.take()
    const [again] = await save(house, [text('a.txt', { vendorRef: 'r' })], keyed)
    assert.equal(again?.fileDocument?._id, first?.fileDocument?._id)
    assert.ok(!house.requests.some(request => /^(PUT|PATCH)|^POST \/files\/[^_]/.test(request)))
  })

  test('by key as an earlier library wrote it, dates in local time', async () => {
    await using house = await openHouse()
    const date = new Date('2025-03-04T10:00:00.000Z')
    const { _id: dirId } = await house.client.files.ensureDirectory(FOLDER)
    const old = await house.client.files.create('x', {
      name: 'old.txt',
      dirId,
      metadata: { fileIdAttributes: `12####${date}` },
      sourceAccountIdentifier: 'me@mail.test',
    })
    const options = { fileIdAttributes: ['date', 'amount'] }
    const entries = Array.from({ length: 20 }, (_, n) => text(`n${n}.txt`, { date, amount: 12 + n }))
    assert.equal((await save(house, [text('new.txt', { date, amount: 12 })], options))[0]?.fileDocument?._id, old._id)
    assert.equal((await save(house, entries, options))[0]?.fileDocument?._id, old._id)
  })

  test('in both ways of asking: few entries one by one, many by one list', async () => {
    for (const count of [3, 30]) {
      await using house = await openHouse()
      const entries = () => Array.from({ length: count }, (_, n) => text(`${n}.txt`, { vendorRef: n }))
      await save(house, entries(), keyed)
      house.take()
      const again = await save(house, entries(), keyed)
      assert.ok(again.every(entry => entry.fileDocument))
      assert.ok(!house.requests.some(request => /^(PUT|PATCH)|upload|^POST \/files\/[^_]/.test(request)), String(count))
    }
  })

  test('by path when there is no key on it, and then it is replaced to get one', async () => {
    await using house = await openHouse()
    await save(house, [text('a.txt')])
    const before = await house.file(`${FOLDER}/a.txt`)
    const [entry] = await save(house, [text('a.txt', { vendorRef: 'r' })], keyed)
    assert.equal(entry?.fileDocument?._id, before._id)
    assert.equal(entry?.fileDocument?.metadata?.fileIdAttributes, 'r')
  })

  test('the same file twice in one call is saved once', async () => {
    for (const options of [keyed, {}]) {
      await using house = await openHouse()
      const [a, b] = await save(house, [text('a.txt', { vendorRef: 'r' }), text('a.txt', { vendorRef: 'r' })], options)
      assert.equal(a?.fileDocument?._id, b?.fileDocument?._id)
      assert.equal(
        house.requests.filter(request => /^POST \/files\/[^_u]/.test(request) && /Type=file/.test(request)).length,
        1,
      )
    }
  })

  test('several stored files with one key: a warning, the first one', async () => {
    await using house = await openHouse()
    const { _id: dirId } = await house.client.files.ensureDirectory(FOLDER)
    const options = { dirId, metadata: { fileIdAttributes: 'r' }, sourceAccountIdentifier: 'me@mail.test' }
    await house.client.files.create('x', { name: '1.txt', ...options })
    await house.client.files.create('x', { name: '2.txt', ...options })
    const [entry] = await save(house, [text('a.txt', { vendorRef: 'r' })], keyed)
    assert.match(entry?.fileDocument?.name as string, /^[12]\.txt$/)
    assert.match(house.lines.join('\n'), /warn: 2 files have the key r/)
  })

  test('a trashed file is not known', async () => {
    await using house = await openHouse()
    const [first] = await save(house, [text('a.txt', { vendorRef: 'r' })], keyed)
    await house.client.files.trash(first?.fileDocument?._id as string)
    const [second] = await save(house, [text('a.txt', { vendorRef: 'r' })], keyed)
    assert.notEqual(second?.fileDocument?._id, first?.fileDocument?._id)
  })

  test('a file that appeared since we looked is taken, not doubled', async () => {
    await using house = await openHouse()
    const { _id: dirId } = await house.client.files.ensureDirectory(FOLDER)
    let done = false
    const entry: FileEntry = {
      filename: 'a.txt',
      fetchFile: async () => {
        if (!done)
          await house.client.files.create('theirs', { name: 'a.txt', dirId, sourceAccountIdentifier: 'me@mail.test' })
        done = true
        return 'ours'
      },
    }
    await save(house, [entry])
    assert.equal(entry.fileDocument?.name, 'a.txt')
    assert.equal(await house.content(`${FOLDER}/a.txt`), 'theirs')
  })
})

describe('replacing', () => {
  const once = text('a.txt')
  test('shouldReplaceFile of the entry, then of the options, gets (file, entry); an exception replaces', async () => {
    await using house = await openHouse()
    await save(house, [{ ...once }])
    const calls: unknown[] = []
    const decide = (answer: boolean) => (file: { name: string }, entry: FileEntry) => {
      calls.push([file.name, entry.filename])
      return answer
    }
    const replaced = async (more: object, options: SaveFilesOptions = {}) => {
      house.take()
      await save(house, [text('a.txt', more)], options)
      return house.requests.some(request => request.startsWith('PUT /files/'))
    }
    assert.equal(await replaced({ shouldReplaceFile: decide(true) }, { shouldReplaceFile: decide(false) }), true)
    assert.equal(await replaced({}, { shouldReplaceFile: decide(false) }), false)
    assert.deepEqual(calls, [
      ['a.txt', 'a.txt'],
      ['a.txt', 'a.txt'],
    ])
    const fails = () => {
      throw new Error('undecided')
    }
    assert.equal(await replaced({ shouldReplaceFile: fails }), true)
  })

  test('a new qualification replaces the file once; the id stays', async () => {
    await using house = await openHouse()
    const wanted = { fileAttributes: { metadata: { qualification: { label: 'invoice' } } } }
    const [first] = await save(house, [text('a.txt')])
    const [second] = await save(house, [text('a.txt', wanted)])
    assert.equal(second?.fileDocument?._id, first?.fileDocument?._id)
    assert.deepEqual(second?.fileDocument?.metadata?.qualification, { label: 'invoice' })
    house.take()
    await save(house, [text('a.txt', wanted)])
    assert.ok(!house.requests.some(request => request.startsWith('PUT')))
  })

  test('FIX-12: the user’s qualification survives a replacement', async () => {
    await using house = await openHouse()
    const [entry] = await save(house, [text('a.txt', { fileAttributes: { metadata: { contentAuthor: 'acme' } } })])
    const id = entry?.fileDocument?._id as string
    await house.client.files.updateAttributes(id, {
      metadata: { contentAuthor: 'acme', qualification: { label: 'user' } },
    })
    await save(house, [
      text('a.txt', { shouldReplaceFile: () => true, fileAttributes: { metadata: { contentAuthor: 'b' } } }),
    ])
    assert.deepEqual((await house.client.files.statById(id)).metadata, {
      contentAuthor: 'b',
      qualification: { label: 'user' },
    })
  })

  test('a file without account identifier is replaced once, and has it then', async () => {
    await using house = await openHouse()
    await saveFiles({ ...house.context, accountIdentifier: undefined }, [text('a.txt')], { folderPath: FOLDER })
    const puts = () => house.take().filter(request => request.startsWith('PUT')).length
    await save(house, [text('a.txt')])
    assert.equal(puts(), 1)
    await save(house, [text('a.txt')])
    assert.equal(puts(), 0)
  })

  test('a stored file of the wrong type is replaced', async () => {
    await using house = await openHouse()
    const { _id: dirId } = await house.client.files.ensureDirectory(FOLDER)
    await house.client.files.create('<html>', {
      name: 'a.pdf',
      dirId,
      contentType: 'text/html',
      sourceAccountIdentifier: 'me@mail.test',
    })
    const [entry] = await save(house, [{ filename: 'a.pdf', filestream: Buffer.from(PDF) }])
    assert.equal(entry?.fileDocument?.mime, 'application/pdf')
  })

  test('shouldReplaceName renames the file it names', async () => {
    await using house = await openHouse()
    const [first] = await save(house, [text('old.txt')])
    const [second] = await save(house, [text('new.txt', { shouldReplaceName: 'old.txt' })])
    assert.equal(second?.fileDocument?._id, first?.fileDocument?._id)
    assert.equal(second?.fileDocument?.name, 'new.txt')
    assert.equal('shouldReplaceName' in (second as object), false)
    await assert.rejects(save(house, [{ fileurl: 'http://x.test/a', shouldReplaceName: 'b' }]), /needs a filename/)
  })

  test('shouldReplaceName when the new name is taken: the old file goes to the trash', async () => {
    await using house = await openHouse()
    const [old] = await save(house, [text('old.txt'), text('new.txt')])
    const [entry] = await save(house, [text('new.txt', { shouldReplaceName: 'old.txt' })])
    assert.equal(entry?.fileDocument?.name, 'new.txt')
    assert.equal((await house.client.files.statById(old?.fileDocument?._id as string)).trashed, true)
    assert.match(house.lines.join('\n'), /warn: new.txt exists already: removing old.txt/)
  })
})

describe('downloads that go wrong', () => {
  const missing = async (house: House, path: string) => assert.rejects(house.file(path), /404/)

  test('FIX-15: an error page is never stored, whatever type is forced', async () => {
    await using house = await openHouse()
    await using vendor = await openVendor((_message, response) => {
      response.writeHead(500, { 'content-type': 'application/pdf' }).end('<html>Oops')
    })
    const [entry] = await save(house, [{ filename: 'a.pdf', fileurl: vendor.url }], { contentType: 'application/pdf' })
    assert.equal(entry?.fileDocument, undefined)
    await missing(house, `${FOLDER}/a.pdf`)
    assert.ok(!house.requests.some(request => /^POST \/files\/[^_]*Type=file/.test(request)))
    assert.match(house.lines.join('\n'), /warn: unknown file download error: .*HTTP status 500/)
  })

  test('a page with status 200 instead of the document is not stored either', async () => {
    await using house = await openHouse()
    await using vendor = await openVendor((_message, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html>Please log in')
    })
    for (const options of [{}, { contentType: 'application/pdf' }, { validateFile: () => true }]) {
      const [entry] = await save(house, [{ filename: 'a.pdf', fileurl: vendor.url }], options)
      assert.equal(entry?.fileDocument, undefined)
    }
    assert.match(house.lines.join('\n'), /warn: Could not download file after 1 tries/)
    assert.ok(!house.requests.some(request => /Type=file/.test(request)))
  })

  test('FIX-15: a connection that breaks in the middle stores nothing and does not hang', async () => {
    await using house = await openHouse()
    await using vendor = await openVendor((_message, response) => {
      response.writeHead(200, { 'content-type': 'application/pdf', 'content-length': 1_000_000 })
      response.write(PDF + 'x'.repeat(50_000), () => response.destroy())
    })
    const [entry] = await save(house, [{ filename: 'a.pdf', fileurl: vendor.url }])
    assert.equal(entry?.fileDocument, undefined)
    await missing(house, `${FOLDER}/a.pdf`)
  })

  test('FIX-15: a refused connection is one failed file', async () => {
    await using house = await openHouse()
    let url = ''
    {
      await using vendor = await pdfVendor()
      url = vendor.url
    }
    const result = await save(house, [{ filename: 'a.pdf', fileurl: url }, text('b.txt')])
    assert.deepEqual(
      result.map(entry => entry.fileDocument?.name),
      [undefined, 'b.txt'],
    )
  })

  for (const [when, headers, start] of [
    ['before it answers', false, ''],
    ['after its first bytes', true, '%PDF'],
    ['in the middle', true, PDF + 'x'.repeat(50_000)],
  ] as const) {
    test(`a vendor that falls silent ${when}: the download is given up, tried again, and others go on`, async () => {
      await using house = await openHouse()
      let asked = 0
      let closed = 0
      await using vendor = await pdfVendor((message, response) => {
        if (message.url !== '/silent.pdf') return false
        asked++
        response.on('close', () => closed++)
        if (headers) response.writeHead(200, { 'content-type': 'application/pdf', 'content-length': 1_000_000 })
        if (start) response.write(start)
        return true
      })
      const entries = ['silent', 'b'].map(name => ({ filename: `${name}.pdf`, fileurl: `${vendor.url}/${name}.pdf` }))
      const result = await save(house, entries, { stallTimeout: 60, retry: 2, retryInterval: 1, concurrency: 1 })
      assert.deepEqual(
        result.map(entry => entry.fileDocument?.name),
        [undefined, 'b.pdf'],
      )
      assert.equal(asked, 2)
      assert.match(house.lines.join('\n'), /warn: .*the download stalled: no bytes for 0\.06 s \(silent\.pdf\)/)
      await missing(house, `${FOLDER}/silent.pdf`)
      const deadline = Date.now() + 5000
      while (closed < 2) {
        assert.ok(Date.now() < deadline, 'the silent connection is kept')
        await new Promise(resolve => setImmediate(resolve))
      }
    })
  }

  test('a vendor that is slow but not silent is waited for', async () => {
    await using house = await openHouse()
    await using vendor = await openVendor(async (_message, response) => {
      response.writeHead(200, { 'content-type': 'application/pdf' })
      for (let part = 0; part < 6; part++) {
        response.write(part === 0 ? PDF : 'x')
        await pause(60)
      }
      response.end()
    })
    const [entry] = await save(house, [{ filename: 'a.pdf', fileurl: vendor.url }], { stallTimeout: 250 })
    assert.equal(entry?.fileDocument?.size, String(PDF.length + 5))
  })

  test('retry: tries again as often as told', async () => {
    await using house = await openHouse()
    let tries = 0
    await using vendor = await pdfVendor((_message, response) => {
      if (++tries === 3) return false
      response.writeHead(503).end()
      return true
    })
    const [entry] = await save(house, [{ filename: 'a.pdf', fileurl: vendor.url }], { retry: 3, retryInterval: 1 })
    assert.equal(tries, 3)
    assert.equal(entry?.fileDocument?.name, 'a.pdf')
  })

  test('an empty file and one of the wrong type are refused before they are sent', async () => {
    await using house = await openHouse()
    const [empty, wrong] = await save(house, [
      { filename: 'a.pdf', filestream: Buffer.alloc(0) },
      { filename: 'b.pdf', filestream: 'text' },
    ])
    assert.equal(empty?.fileDocument, undefined)
    assert.equal(wrong?.fileDocument, undefined)
    assert.ok(!house.requests.some(request => /Type=file/.test(request)))
  })

  test('validateFile and validateFileContent of the author: a new file that fails is destroyed', async () => {
    await using house = await openHouse()
    for (const options of [{ validateFile: () => false }, { validateFileContent: async () => false }]) {
      const [entry] = await save(house, [text('a.txt')], options)
      assert.equal(entry?.fileDocument, undefined)
      await missing(house, `${FOLDER}/a.txt`)
    }
    const [kept] = await save(house, [text('a.txt')], { validateFile: false, validateFileContent: () => true })
    assert.ok(kept?.fileDocument)
  })

  test('FIX-14: validateFileContent true looks at the first bytes', async () => {
    await using house = await openHouse()
    const [good, bad] = await save(
      house,
      [
        { filename: 'a.pdf', filestream: Buffer.from(PDF) },
        { filename: 'b.pdf', filestream: Buffer.from('PK\u0003\u0004') },
      ],
      { validateFileContent: true },
    )
    assert.equal(good?.fileDocument?.name, 'a.pdf')
    assert.equal(bad?.fileDocument, undefined)
  })

  test('a good file survives a failed replacement', async () => {
    await using house = await openHouse()
    await using vendor = await openVendor((_message, response) => {
      response.writeHead(200, { 'content-type': 'application/pdf', 'content-length': 100_000 })
      response.write(PDF + 'x'.repeat(50_000), () => response.destroy())
    })
    await save(house, [{ filename: 'a.pdf', filestream: Buffer.from(PDF) }])
    const bad: FileEntry[] = [
      { filename: 'a.pdf', fileurl: vendor.url, shouldReplaceFile: () => true },
      { filename: 'a.pdf', filestream: Buffer.alloc(0), shouldReplaceFile: () => true },
      { filename: 'a.pdf', filestream: 'text', shouldReplaceFile: () => true },
    ]
    for (const entry of bad) await save(house, [entry])
    assert.equal(await house.content(`${FOLDER}/a.pdf`), PDF)
  })

  test('a good file survives content that fails the author’s own checks, and is replaced by content that passes', async () => {
    await using house = await openHouse()
    const [first] = await save(house, [text('a.txt')])
    const replacement = (content: string): FileEntry => ({
      filename: 'a.txt',
      filestream: content,
      shouldReplaceFile: () => true,
    })
    const options = {
      validateFileContent: async (file: { _id: string }) => {
        const answer = await house.client.files.download(file._id)
        return (await answer.text()).startsWith('good')
      },
    }
    const [bad] = await save(house, [replacement('bad')], options)
    assert.equal(bad?.fileDocument, undefined)
    assert.equal(await house.content(`${FOLDER}/a.txt`), 'text of a.txt')
    const [good] = await save(house, [replacement('good')], options)
    assert.equal(good?.fileDocument?._id, first?.fileDocument?._id)
    assert.equal(await house.content(`${FOLDER}/a.txt`), 'good')
    const { _id } = await house.file(FOLDER)
    assert.equal(
      (await house.client.files.findAll({ selector: { dir_id: _id } })).length,
      1,
      'nothing is left beside it',
    )
  })

  test('a full disk ends the call', async () => {
    await using house = await openHouse()
    house.intercept = (message, response) => {
      if (!message.url?.includes('Type=file')) return false
      message.resume().on('end', () => response.writeHead(413).end('{"errors":[{"status":"413"}]}'))
      return true
    }
    await assert.rejects(save(house, [text('a.txt')]), { message: 'DISK_QUOTA_EXCEEDED' })
  })
})

describe('time and bounds', () => {
  test('timeout: nothing is started, what is done comes back', async () => {
    await using house = await openHouse()
    assert.deepEqual(await save(house, [text('a.txt'), text('b.txt')], { timeout: 1 }), [])
    assert.deepEqual(house.requests, [])
    assert.ok(house.lines.includes('warn: saveFile timeout: still 2 / 2 to download'))
  })

  test('the deadline of the run is the default, and stops between two files', async () => {
    let time = 0
    await using house = await openHouse({ deadline: 1000, now: () => new Date(time) })
    const postProcess = () => {
      time = 2000
    }
    const late = { postProcess, concurrency: 1 }
    const result = await save(house, [text('a.txt'), text('b.txt')], late)
    assert.deepEqual(
      result.map(entry => entry.fileDocument?.name),
      ['a.txt'],
    )
    assert.ok(house.lines.includes('warn: saveFile timeout: still 1 / 2 to download'))
  })

  test('an abort stops the download under way and rejects', async () => {
    const controller = new AbortController()
    await using house = await openHouse({ signal: controller.signal })
    await using vendor = await openVendor((_message, response) => {
      response.writeHead(200, { 'content-type': 'application/pdf' }).write(PDF)
      controller.abort(new Error('time is up'))
    })
    await assert.rejects(save(house, [{ filename: 'a.pdf', fileurl: vendor.url }]), /time is up/)
    await assert.rejects(house.file(`${FOLDER}/a.pdf`), /404/)
  })

  test('4 downloads at a time by default, in order one at a time with fetchFileInTurn', async () => {
    await using house = await openHouse()
    const run = async (options: SaveFilesOptions) => {
      let now = 0
      let most = 0
      const entries = Array.from({ length: 12 }, (_, n) => ({
        filename: `${n}.txt`,
        shouldReplaceFile: () => true,
        fetchFile: async () => {
          most = Math.max(most, ++now)
          await new Promise(resolve => setImmediate(resolve))
          now--
          return 'x'
        },
      }))
      await save(house, entries, options)
      return most
    }
    assert.equal(await run({}), 4)
    assert.equal(await run({ concurrency: 2 }), 2)
    assert.equal(await run({ fetchFileInTurn: true }), 1)
  })

  test('many new files: one list, one upload each; the second run downloads and writes nothing', {
    timeout: 60_000,
  }, async () => {
    await using house = await openHouse()
    await using vendor = await pdfVendor()
    const entries = () => Array.from({ length: 100 }, (_, n) => ({ vendorRef: n, fileurl: `${vendor.url}/${n}.pdf` }))
    await save(house, entries(), { fileIdAttributes: ['vendorRef'] })
    const first = byKind(house.take())
    assert.equal(vendor.requests.splice(0).length, 100)
    assert.equal(first['POST /files/:id'], 100)
    assert.equal(first['POST /files/upload/metadata'], 100)
    assert.equal(first['POST /files/_find'], 1)
    const { 'POST /files/:id': _a, 'POST /files/upload/metadata': _b, ...others } = first
    const total = Object.values(others).reduce((sum, count) => sum + count, 0)
    assert.ok(total <= 10, `a handful of other requests: ${JSON.stringify(others)}`)

    const again = await save(house, entries(), { fileIdAttributes: ['vendorRef'] })
    assert.ok(again.every(entry => entry.fileDocument))
    assert.deepEqual(vendor.requests, [])
    const second = house.take()
    assert.ok(second.length <= 6, second.join('\n'))
    assert.ok(!second.some(request => /^(PUT|PATCH|DELETE)|upload|POST \/files\/[^_]/.test(request)))
  })

  test('large files pass through: memory does not grow with them', { timeout: 60_000 }, async () => {
    await using house = await openHouse()
    const megabyte = Buffer.alloc(1 << 20, 1)
    await using vendor = await openVendor((_message, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      Readable.from(Array.from({ length: 300 }, () => megabyte)).pipe(response)
    })
    let stored = 0
    house.intercept = (message, response) => {
      if (!message.url?.includes('Type=file')) return false
      message
        .on('data', chunk => (stored += chunk.length))
        .on('end', () => {
          response.writeHead(413).end('{"errors":[{"status":"413"}]}')
        })
      return true
    }
    const before = process.memoryUsage.rss()
    let peak = before
    house.context.onProgress = () => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }
    await assert.rejects(save(house, [{ filename: 'a.bin', fileurl: vendor.url }]), /DISK_QUOTA/)
    assert.equal(stored, 300 << 20)
    assert.ok(peak - before < 150 << 20, `grew by ${(peak - before) >> 20} MB`)
  })
})
