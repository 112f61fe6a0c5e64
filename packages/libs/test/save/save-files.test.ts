import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { createJar } from '../../src/request/cookie-jar.ts'
import requestFactory from '../../src/request/index.ts'
import { markRunStart, runDeadline } from '../../src/run-deadline.ts'
import { type FileEntry, type SaveFilesOptions, saveFiles } from '../../src/save-files.ts'
import { ACCOUNT, FOLDER, openHouse, openVendor, PDF, pdfVendor } from './house.ts'

const save = (entries: FileEntry[], options: SaveFilesOptions = {}) =>
  saveFiles(entries, { folderPath: FOLDER }, { ...ACCOUNT, ...options })

describe('saveFiles', () => {
  test('takes fields, or the path of the folder alone', async () => {
    await using house = await openHouse()
    await saveFiles([{ filename: 'a.txt', filestream: 'a' }], FOLDER, ACCOUNT)
    await saveFiles([{ filename: 'b.txt', filestream: 'b' }], { folderPath: FOLDER, login: 'x' }, ACCOUNT)
    assert.equal(await house.content(`${FOLDER}/a.txt`), 'a')
    const file = await house.client.files.statByPath(`${FOLDER}/b.txt`)
    assert.equal(file.cozyMetadata?.sourceAccount, 'account1')
    assert.equal(file.cozyMetadata?.createdByApp, 'acme')
  })

  test('an unusable folder rejects with the words of old', async () => {
    await using _house = await openHouse()
    await assert.rejects(saveFiles([{ filename: 'a', filestream: 'a' }], {}, ACCOUNT), {
      message: /^cozy-konnector-libs::saveFiles Error in getOrCreateDestinationPath\. Cannot save files: /,
    })
  })

  test('downloads with a request of its own: GET, a browser’s name', async () => {
    await using house = await openHouse()
    let agent: string | undefined
    await using vendor = await openVendor((message, response) => {
      agent = message.headers['user-agent']
      response.writeHead(200, { 'content-type': 'application/pdf' }).end(PDF)
    })
    const [entry] = await save([{ fileurl: `${vendor.url}/a.pdf` }])
    assert.equal(entry?.fileDocument?.mime, 'application/pdf')
    assert.equal(await house.content(`${FOLDER}/a.pdf`), PDF)
    assert.match(agent as string, /Mozilla/)
    assert.deepEqual(vendor.requests, ['GET /a.pdf'])
  })

  test('downloads through requestInstance, with the options of the entry: POST, form, jar', async () => {
    await using house = await openHouse()
    const seen: unknown[] = []
    await using vendor = await openVendor((message, response) => {
      let body = ''
      message.on('data', chunk => {
        body += chunk
      })
      message.on('end', () => {
        seen.push(message.method, message.headers.cookie, message.headers['x-mine'], body)
        response.writeHead(200, { 'content-type': 'application/pdf' }).end(PDF)
      })
    })
    const jar = createJar()
    jar.setCookie('session=1', vendor.url)
    const requestInstance = requestFactory({ cheerio: true, headers: { 'x-mine': 'yes' } })
    const requestOptions = { method: 'POST', form: { id: 3 }, jar }
    await save([{ fileurl: vendor.url, filename: 'a.pdf', requestOptions }], { requestInstance })
    assert.deepEqual(seen, ['POST', 'session=1', 'yes', 'id=3'])
    assert.equal(await house.content(`${FOLDER}/a.pdf`), PDF)
  })

  test('a request instance that gives a promise of the body will do', async () => {
    await using house = await openHouse()
    await save([{ fileurl: 'x', filename: 'a.pdf' }], { requestInstance: async () => Buffer.from(PDF) })
    assert.equal(await house.content(`${FOLDER}/a.pdf`), PDF)
  })

  test('filestream: a request in flight, even when its turn comes late', async () => {
    await using house = await openHouse()
    await using vendor = await pdfVendor()
    const request = requestFactory({ cheerio: false, json: false })
    const entries = Array.from({ length: 6 }, (_, n) => ({
      filename: `${n}.pdf`,
      filestream: request(`${vendor.url}/${n}`),
    }))
    const slow = { filename: 'slow.txt', fetchFile: () => new Promise(resolve => setTimeout(resolve, 50, 'x')) }
    await save([slow, ...entries], { concurrency: 1 })
    for (let n = 0; n < 6; n++) assert.equal(await house.content(`${FOLDER}/${n}.pdf`), `${PDF}/${n}`)
  })

  test('filestream: a request in flight that fails is one failed file, without an unhandled rejection', async () => {
    await using house = await openHouse()
    await using vendor = await openVendor((_message, response) => response.writeHead(404).end('not here'))
    const filestream = requestFactory({ cheerio: false, json: false })(vendor.url)
    const [entry] = await save([{ filename: 'a.pdf', filestream }])
    assert.equal(entry?.fileDocument, undefined)
    assert.match(house.lines.join('\n'), /HTTP status 404/)
  })

  test('filestream: a pdfjs document', async () => {
    await using house = await openHouse()
    const pdfjs = createRequire(import.meta.url)('pdfjs')
    const document = new pdfjs.Document()
    document.end()
    const [entry] = await save([{ filename: 'a.pdf', filestream: document }])
    assert.equal(entry?.fileDocument?.mime, 'application/pdf')
    assert.match(await house.content(`${FOLDER}/a.pdf`), /^%PDF-/)
  })

  test('FIX-15: an error answer is not stored, with a forced type either; nothing stays unhandled', async () => {
    await using house = await openHouse()
    await using vendor = await openVendor((_message, response) => response.writeHead(500).end('<html>Oops'))
    for (const options of [{}, { contentType: 'application/pdf' }]) {
      const [entry] = await save([{ fileurl: vendor.url, filename: 'a.pdf' }], options)
      assert.equal(entry?.fileDocument, undefined)
    }
    await assert.rejects(house.client.files.statByPath(`${FOLDER}/a.pdf`), /404/)
  })

  test('FIX-15: half a file is not stored', { timeout: 20_000 }, async () => {
    await using house = await openHouse()
    for (const headers of [{ 'content-length': 500_000 }, { 'transfer-encoding': 'chunked' }]) {
      await using vendor = await openVendor((_message, response) => {
        response.writeHead(200, { 'content-type': 'application/pdf', ...headers })
        response.write(PDF + 'x'.repeat(100_000), () => response.destroy())
      })
      const [entry] = await save([{ fileurl: vendor.url, filename: 'a.pdf' }], { contentType: 'application/pdf' })
      assert.equal(entry?.fileDocument, undefined, JSON.stringify(headers))
    }
    await assert.rejects(house.client.files.statByPath(`${FOLDER}/a.pdf`), /404/)
  })

  test('a vendor that falls silent is given up, before and after its answer', { timeout: 20_000 }, async () => {
    await using house = await openHouse()
    for (const answers of [false, true]) {
      let closed = (): void => {}
      const released = new Promise<void>(resolve => {
        closed = resolve
      })
      await using vendor = await openVendor((_message, response) => {
        response.on('close', closed)
        if (answers) response.writeHead(200, { 'content-type': 'application/pdf' }).write(PDF)
      })
      const [entry] = await save([{ fileurl: vendor.url, filename: 'a.pdf' }], { stallTimeout: 80 })
      assert.equal(entry?.fileDocument, undefined)
      await released
    }
    await assert.rejects(house.client.files.statByPath(`${FOLDER}/a.pdf`), /404/)
  })

  test('FIX-15: a refused connection is one failed file', async () => {
    await using _house = await openHouse()
    let url = ''
    {
      await using vendor = await pdfVendor()
      url = vendor.url
    }
    const [entry] = await save([{ fileurl: url, filename: 'a.pdf' }])
    assert.equal(entry?.fileDocument, undefined)
  })

  test('postProcessFile gets the body, as Buffer when encoding is null, and a warning', async () => {
    await using house = await openHouse()
    await using vendor = await pdfVendor()
    const options = { postProcessFile: (data: unknown) => `${typeof data}: ${data}` }
    await save([{ fileurl: `${vendor.url}/a`, filename: 'a.txt' }], options)
    assert.equal(await house.content(`${FOLDER}/a.txt`), `string: ${PDF}/a`)
    await save([{ fileurl: `${vendor.url}/b`, filename: 'b.txt', requestOptions: { encoding: null } }], options)
    assert.equal(await house.content(`${FOLDER}/b.txt`), `object: ${PDF}/b`)
    assert.match(house.lines.join('\n'), /postProcessFile is deprecated/)
  })

  test('4 plain downloads at a time; fetchFile one after the other unless concurrency is given', async () => {
    await using _house = await openHouse()
    let now = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++now)
      await new Promise(resolve => setImmediate(resolve))
      now--
      return 'x'
    }
    const entries = (attribute: string) =>
      Array.from({ length: 8 }, (_, n) => ({ filename: `${n}.txt`, shouldReplaceFile: () => true, [attribute]: work }))
    const peak = async (attribute: string, options = {}) => {
      most = 0
      await save(entries(attribute), options)
      return most
    }
    assert.equal(await peak('filestream'), 4)
    assert.equal(await peak('fetchFile'), 1)
    assert.equal(await peak('fetchFile', { concurrency: 3 }), 3)
  })

  test('statics: getFileIfExists and sanitizeFileName', async () => {
    await using house = await openHouse()
    const entry = { filename: 'a.txt', filestream: 'a', vendorRef: 'r' }
    const options = { ...ACCOUNT, folderPath: FOLDER, fileIdAttributes: ['vendorRef'] }
    assert.equal(await saveFiles.getFileIfExists({ ...entry }, options), undefined)
    await saveFiles([{ ...entry }], FOLDER, options)
    const byKey = { filename: 'other.txt', vendorRef: 'r' }
    assert.equal((await saveFiles.getFileIfExists(byKey, options))?.name, 'a.txt')
    const nested = { folderPath: FOLDER, fileIdAttributes: ['vendorRef'], sourceAccountOptions: ACCOUNT }
    assert.equal((await saveFiles.getFileIfExists(byKey, nested))?.name, 'a.txt')
    assert.equal((await saveFiles.getFileIfExists({ filename: 'a.txt' }, { folderPath: FOLDER }))?.name, 'a.txt')
    assert.ok(!house.requests.slice(-1).some(request => request.startsWith('PUT')))
    assert.equal(saveFiles.sanitizeFileName('a/b'), 'ab')
  })
})

describe('FIX-10: the default time-out', () => {
  test('is 80 % of COZY_TIME_LIMIT from the start of the process', () => {
    process.env.COZY_TIME_LIMIT = '300'
    try {
      assert.equal(runDeadline(), Math.round(performance.timeOrigin + 240_000))
    } finally {
      delete process.env.COZY_TIME_LIMIT
    }
  })

  test('is 4 minutes from the start of the run without it', () => {
    markRunStart()
    assert.ok(Math.abs(runDeadline() - (Date.now() + 240_000)) < 1000)
  })

  test('and options.timeout wins', async () => {
    await using house = await openHouse()
    assert.deepEqual(await save([{ filename: 'a.txt', filestream: 'a' }], { timeout: 1 }), [])
    assert.match(house.lines.join('\n'), /saveFile timeout: still 1 \/ 1 to download/)
  })
})
