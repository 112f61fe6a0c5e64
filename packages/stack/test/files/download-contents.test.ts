import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { contentDisposition, contentPolicy, mayBeShown, safeMime } from '../../src/rooms/files/read/disposition.ts'
import { readRange } from '../../src/rooms/files/read/ranges.ts'
import { md5, openReadingHouse } from './reading-house.ts'

const house = await openReadingHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, directory, file, root } = house
const IDENTITY = { 'accept-encoding': 'identity' }
const TEXT = { mime: 'text/plain', class: 'text' }

test('a content comes whole, with all that clients read from its headers', async () => {
  const content = randomBytes(200_000)
  const folder = await directory(root, 'down load')
  const made = await file(folder, 'bill.pdf', content)
  for (const path of [`/files/download/${made._id}`, '/files/download?Path=/down%20load/bill.pdf']) {
    const answer = await ask(path)
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.bytes, content)
    const { headers } = answer
    assert.equal(headers['content-type'], 'application/pdf')
    assert.equal(headers['content-length'], '200000')
    assert.equal(headers['accept-ranges'], 'bytes')
    assert.equal(headers.etag, `"${md5(content)}"`)
    assert.equal(headers['last-modified'], 'Wed, 04 Mar 2026 10:00:00 GMT')
    assert.equal(headers['content-disposition'], 'inline; filename="bill.pdf"')
    const head = await ask(path, { method: 'HEAD' })
    assert.deepEqual([head.status, head.bytes.length], [200, 0])
    for (const name of ['content-type', 'content-length', 'etag', 'accept-ranges', 'content-disposition']) {
      assert.equal(head.headers[name], headers[name], name)
    }
  }
  const saved = await ask(`/files/download/${made._id}?Dl=1`)
  assert.equal(saved.headers['content-disposition'], 'attachment; filename="bill.pdf"')
})

test('what there is no content of', async () => {
  const folder = await directory(root, 'no content')
  const made = await file(folder, 'x.txt', 'x', TEXT)
  assert.equal((await ask(`/files/download/${folder._id}`)).status, 404)
  assert.equal((await ask('/files/download/unknown')).status, 404)
  assert.equal((await ask('/files/download/%00')).status, 404)
  assert.equal((await ask('/files/download?Path=/no')).status, 404)
  assert.equal((await ask('/files/download?Path=no')).status, 400)
  assert.equal((await ask(`/files/download/${made._id}/1`)).status, 404)
  assert.equal((await ask(`/files/download/${made._id}`, { tenant: house.bob })).status, 404)
  const page = await ask(`/files/download/${made._id}?Page=2`)
  assert.deepEqual([page.status, page.json.errors[0].status], [501, '501'])
  await house.ground.blobs.remove(house.alice.id, [made.internal_blob])
  const lost = await ask(`/files/download/${made._id}`)
  assert.equal(lost.status, 500)
  assert.ok(!lost.text.includes(made.internal_blob))
})

test('an empty file', async () => {
  const made = await file(root, 'empty', '', TEXT)
  const whole = await ask(`/files/download/${made._id}`, { headers: IDENTITY })
  assert.deepEqual([whole.status, whole.bytes.length, whole.headers['content-length']], [200, 0, '0'])
  const ranged = await ask(`/files/download/${made._id}`, { headers: { ...IDENTITY, range: 'bytes=0-9' } })
  assert.deepEqual([ranged.status, ranged.bytes.length], [200, 0])
})

describe('ranges', async () => {
  const content = Buffer.from('0123456789')
  const made = await file(root, 'ranges.bin', content, { mime: 'application/octet-stream', class: 'files' })
  const path = `/files/download/${made._id}`
  const get = (range: string, more: Record<string, string> = {}) => ask(path, { headers: { range, ...more } })

  test('one range: its bytes', async () => {
    for (const [range, from, to] of [
      ['bytes=0-0', 0, 0],
      ['bytes=2-5', 2, 5],
      ['bytes=7-', 7, 9],
      ['bytes=-3', 7, 9],
      ['bytes=-30', 0, 9],
      ['bytes=8-99', 8, 9],
      ['BYTES = 1 - 2', 1, 2],
      ['bytes=1-2,', 1, 2],
      ['bytes=4-5,20-30', 4, 5],
    ] as const) {
      const answer = await get(range)
      assert.equal(answer.status, 206, range)
      assert.deepEqual(answer.bytes, content.subarray(from, to + 1), range)
      assert.equal(answer.headers['content-range'], `bytes ${from}-${to}/10`)
      assert.equal(answer.headers['content-length'], String(to - from + 1))
    }
  })

  test('several ranges: a part for each', async () => {
    const answer = await get('bytes=0-1, 4-4,-2')
    assert.equal(answer.status, 206)
    const type = answer.headers['content-type'] as string
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(type)?.[1]
    const part = (range: string, bytes: string) =>
      `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${range}/10\r\n\r\n${bytes}\r\n`
    assert.equal(answer.text, `${part('0-1', '01')}${part('4-4', '4')}${part('8-9', '89')}--${boundary}--\r\n`)
    assert.equal(answer.headers['content-length'], String(answer.bytes.length))
  })

  test('ranges that are none, or not there: 416 and the size', async () => {
    for (const range of [
      'bytes=10-',
      'bytes=10-20,30-',
      'bytes=-0',
      'bytes=5-2',
      'bytes=x',
      'bytes=',
      'bytes=--1',
      'bytes',
    ]) {
      const answer = await get(range)
      assert.equal(answer.status, 416, range)
      assert.equal(answer.headers['content-range'], 'bytes */10')
      assert.equal(answer.json.errors[0].status, '416')
    }
  })

  test('what RFC 9110 lets be ignored gets the whole', async () => {
    const many = `bytes=${Array.from({ length: 17 }, () => '0-0').join(',')}`
    for (const range of ['lines=1-2', many, 'bytes=0-9,0-9', 'bytes=0-8,0-8']) {
      const answer = await get(range)
      assert.deepEqual([answer.status, answer.text], [200, '0123456789'], range)
    }
  })

  test('If-Range: a range of exactly this content', async () => {
    const etag = `"${made.md5sum}"`
    assert.equal((await get('bytes=0-0', { 'if-range': etag })).status, 206)
    assert.equal((await get('bytes=0-0', { 'if-range': 'Wed, 04 Mar 2026 10:00:00 GMT' })).status, 206)
    for (const other of ['"other"', `W/${etag}`, 'Wed, 04 Mar 2026 10:00:01 GMT', 'yesterday']) {
      assert.equal((await get('bytes=0-0', { 'if-range': other })).status, 200, other)
    }
  })

  test('no header makes a range outside of the content', () => {
    const numbers = ['', '0', '1', '9', '10', '11', '99999999999999999999999', '-1', 'a']
    for (const first of numbers) {
      for (const last of numbers) {
        const ranges = readRange(`bytes=${first}-${last}`, 10)
        if (typeof ranges === 'string') continue
        for (const { start, end } of ranges) {
          assert.ok(0 <= start && start <= end && end < 10, `${first}-${last}`)
          assert.ok(Number.isInteger(start) && Number.isInteger(end))
        }
      }
    }
  })
})

describe('conditions', async () => {
  const made = await file(root, 'conditions.bin', 'abc', { mime: 'application/octet-stream', class: 'files' })
  const etag = `"${made.md5sum}"`
  const status = async (headers: Record<string, string>) =>
    (await ask(`/files/download/${made._id}`, { headers })).status
  const [before, at, after] = ['09:59:59', '10:00:00', '10:00:01'].map(time => `Wed, 04 Mar 2026 ${time} GMT`) as [
    string,
    string,
    string,
  ]

  test('304 when the client has it', async () => {
    for (const headers of [
      { 'if-none-match': etag },
      { 'if-none-match': `W/${etag}` },
      { 'if-none-match': `"x", ${etag}` },
      { 'if-none-match': '*' },
      { 'if-modified-since': at },
      { 'if-modified-since': after },
      { 'if-none-match': etag, 'if-modified-since': before },
    ]) {
      assert.equal(await status(headers), 304, JSON.stringify(headers))
    }
    const answer = await ask(`/files/download/${made._id}`, { headers: { 'if-none-match': etag, range: 'bytes=0-0' } })
    assert.deepEqual([answer.status, answer.bytes.length, answer.headers.etag], [304, 0, etag])
  })

  test('200 when it has another one, or says nothing clear', async () => {
    for (const headers of [
      { 'if-none-match': '"other"' },
      { 'if-modified-since': before },
      { 'if-modified-since': 'not a date' },
      { 'if-none-match': '"other"', 'if-modified-since': after },
      { 'if-match': etag },
      { 'if-match': '*' },
      { 'if-unmodified-since': at },
    ]) {
      assert.equal(await status(headers), 200, JSON.stringify(headers))
    }
  })

  test('412 when it wanted this one and it is another', async () => {
    assert.equal(await status({ 'if-match': '"other"' }), 412)
    assert.equal(await status({ 'if-match': `W/${etag}` }), 412)
    assert.equal(await status({ 'if-unmodified-since': before }), 412)
  })
})

describe('a vendor’s page does not run in the instance’s origin', () => {
  test('only what cannot hold a script is shown in place; all is sandboxed and not sniffed', async () => {
    for (const [mime, disposition] of [
      ['text/html', 'attachment'],
      ['TEXT/HTML', 'attachment'],
      ['image/svg+xml', 'attachment'],
      ['application/xhtml+xml', 'attachment'],
      ['text/xml', 'attachment'],
      ['text/javascript', 'attachment'],
      ['application/octet-stream', 'attachment'],
      ['not a type\r\nx: y', 'attachment'],
      ['text/plain', 'inline'],
      ['image/png', 'inline'],
      ['video/mp4', 'inline'],
      ['application/pdf', 'inline'],
    ] as const) {
      const made = await file(root, `shown ${mime.replaceAll('/', ' ')}`, '<script>alert(1)</script>', { mime })
      const { headers, status } = await ask(`/files/download/${made._id}`, { headers: IDENTITY })
      assert.equal(status, 200, mime)
      assert.ok((headers['content-disposition'] as string).startsWith(disposition), mime)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      const policy = headers['content-security-policy'] as string
      assert.match(policy, /default-src 'none'/)
      // Browsers do not start their PDF viewer in a sandbox.
      assert.equal(/(^|; )sandbox$/.test(policy), mime !== 'application/pdf')
      assert.equal(headers.x, undefined)
    }
  })

  test('types that are none are sent as bytes', () => {
    assert.equal(safeMime('text/plain'), 'text/plain')
    for (const mime of ['', 'text', 'a/b c', 'a/b;c', 'text/html\n', 'é/b', 'text/plain\r\nx: y']) {
      assert.equal(safeMime(mime), 'application/octet-stream', mime)
    }
    assert.equal(mayBeShown('image/svg+xml'), false)
    assert.match(contentPolicy('text/html'), /sandbox/)
  })
})

describe('the name of a download', () => {
  test('in ASCII for all, and whole where that differs', () => {
    assert.equal(contentDisposition('a b.pdf', 'inline'), 'inline; filename="a b.pdf"')
    assert.equal(
      contentDisposition('Relevé d’août (2).pdf', 'attachment'),
      `attachment; filename="Releve d_aout (2).pdf"; filename*=UTF-8''Relev%C3%A9%20d%E2%80%99ao%C3%BBt%20%282%29.pdf`,
    )
    assert.equal(contentDisposition('漢字', 'inline'), `inline; filename="__"; filename*=UTF-8''%E6%BC%A2%E5%AD%97`)
  })

  test('nothing in a name ends the quotes or the header', async () => {
    const evil = [
      'a"; x="b',
      'a\r\nSet-Cookie: x=1',
      'a\\"b',
      '\u2028',
      '\ud800',
      '%0d%0aX: y',
      "a'b*c(d)",
      'a;b',
      '\0',
    ]
    for (const name of evil) {
      const header = contentDisposition(name, 'inline')
      const [, ascii] =
        /^inline; filename="([^"]*)"(?:; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]+)?$/.exec(header) ?? []
      assert.ok(ascii !== undefined, header)
      assert.match(ascii, /^[\x20-\x7e]*$/)
      assert.ok(!/["\\]/.test(ascii), header)
    }
    const made = await file(root, 'a"; x="b\u2028\ue000é;\\')
    const { status, headers } = await ask(`/files/download/${made._id}`)
    assert.equal(status, 200)
    assert.ok(!Object.keys(headers).includes('x'))
    assert.equal(
      decodeURIComponent(/UTF-8''(.*)$/.exec(headers['content-disposition'] as string)?.[1] ?? ''),
      'a"; x="b\u2028\ue000é;\\',
    )
  })
})

test('an old content, under the name and type of the file', async () => {
  const made = await file(root, 'with-old.txt', 'new', TEXT)
  const other = await file(root, 'other.txt', 'other', TEXT)
  await house.version(made, 1, 'old')
  const answer = await ask(`/files/download/${made._id}/1`)
  assert.deepEqual([answer.status, answer.text, answer.headers.etag], [200, 'old', `"${md5('old')}"`])
  assert.equal(answer.headers['content-disposition'], 'inline; filename="with-old.txt"')
  assert.equal((await ask(`/files/download/${other._id}/1`)).status, 404)
  assert.equal((await ask(`/files/download/${made._id}/1`, { scope: `io.cozy.files:GET:${other._id}` })).status, 403)
})

describe('links without a token', async () => {
  const folder = await directory(root, 'linked')
  const made = await file(folder, 'é &.txt', 'linked', TEXT)
  await house.version(made, 1, 'older')
  const link = async (query: string) => (await ask(`/files/downloads?${query}`, { method: 'POST' })).json.links.related

  test('by id and by path', async () => {
    for (const query of [`Id=${made._id}`, `Path=${encodeURIComponent('/linked/é &.txt')}`]) {
      const answer = await ask(`/files/downloads?${query}`, { method: 'POST' })
      assert.equal(answer.status, 200)
      assert.equal(answer.json.data.id, made._id)
      const { related } = answer.json.links
      assert.match(related, /^\/files\/downloads\/[0-9a-f]{32}\/%C3%A9%20%26\.txt$/)
      const content = await ask(related, { scope: null })
      assert.deepEqual([content.status, content.text], [200, 'linked'])
      assert.ok((content.headers['content-disposition'] as string).startsWith('inline'))
      const saved = await ask(`${related}?Dl=1`, { scope: null, headers: { range: 'bytes=0-1' } })
      assert.deepEqual([saved.status, saved.text], [206, 'li'])
      assert.ok((saved.headers['content-disposition'] as string).startsWith('attachment'))
      assert.equal((await ask(related, { scope: null, method: 'HEAD' })).status, 200)
    }
  })

  test('under another name, and to an old content', async () => {
    const named = await link(`Id=${made._id}&Filename=${encodeURIComponent('my "bill".txt')}`)
    assert.match(named, /\/my%20%22bill%22\.txt$/)
    const { headers } = await ask(named, { scope: null })
    assert.ok((headers['content-disposition'] as string).includes(`filename*=UTF-8''my%20%22bill%22.txt`))
    const old = await link(`VersionId=${made._id}%2F1`)
    assert.match(old, /^\/files\/downloads\/v-[0-9a-f]{32}\//)
    assert.equal((await ask(old, { scope: null })).text, 'older')
  })

  test('nobody makes one for what they may not read', async () => {
    for (const query of [`Id=${made._id}`, 'Path=/linked/%C3%A9%20%26.txt', `VersionId=${made._id}%2F1`]) {
      const path = `/files/downloads?${query}`
      assert.equal((await ask(path, { method: 'POST', scope: null })).status, 401)
      assert.equal((await ask(path, { method: 'POST', scope: 'io.cozy.files:POST' })).status, 403)
    }
    for (const [query, status] of [
      ['', 400],
      ['Id=unknown', 404],
      ['Id=%00', 404],
      ['Path=relative', 400],
      [`Id=${folder._id}`, 404],
      [`VersionId=${made._id}%2F9`, 404],
      ['VersionId=x', 404],
    ] as const) {
      assert.equal((await ask(`/files/downloads?${query}`, { method: 'POST' })).status, status, query)
    }
  })

  test('a wrong, foreign or expired secret is a 400; a destroyed file a 404', async () => {
    const related = await link(`Id=${made._id}`)
    const wrong = async (path: string, tenant = house.alice) => {
      const answer = await ask(path, { scope: null, tenant })
      assert.deepEqual([answer.status, answer.json], [400, { error: 'Wrong download token' }], path)
    }
    await wrong(related, house.bob)
    await wrong(`/files/downloads/${'0'.repeat(32)}/x`)
    await wrong('/files/downloads/%00/x')
    await wrong('/files/downloads/x/x')
    await wrong(related.replace('/downloads/', '/archive/'))
    const doomed = await file(folder, 'doomed', 'x', TEXT)
    const toDoomed = await link(`Id=${doomed._id}`)
    await house.ground.documents.of(house.alice).remove('io.cozy.files', doomed._id, doomed._rev)
    assert.equal((await ask(toDoomed, { scope: null })).status, 404)
    house.advance(9.9 * 60_000)
    assert.equal((await ask(related, { scope: null })).status, 200)
    house.advance(0.2 * 60_000)
    await wrong(related)
  })

  test('the database has no secret, and dead links go away', async () => {
    const related = await link(`Id=${made._id}`)
    const secret = related.split('/')[3] as string
    const { rows } = await house.ground.database.driver.query('select *, target::text as text from file_links')
    assert.equal(rows.length, 1, 'those that expired in the test before are gone')
    assert.ok(!JSON.stringify(rows).includes(secret))
  })
})

describe('thumbnails', async () => {
  const one = await file(root, 'one.png', 'x', { mime: 'image/png', class: 'image' })
  const two = await file(root, 'two.png', 'x', { mime: 'image/png', class: 'image' })
  const linksOf = async (id: string) => (await ask(`/files/${id}`)).json.data.links as Record<string, string>

  test('there are none: a picture with status 404', async () => {
    const { tiny = '' } = await linksOf(one._id)
    const answer = await ask(tiny, { scope: null })
    assert.deepEqual([answer.status, answer.headers['content-type']], [404, 'image/png'])
    assert.deepEqual(answer.bytes.subarray(1, 4).toString(), 'PNG')
  })

  test('a wrong secret, that of another file or instance, an old one: 400', async () => {
    const { small = '' } = await linksOf(one._id)
    const expect400 = async (path: string, tenant = house.alice) => {
      const answer = await ask(path, { scope: null, tenant })
      assert.deepEqual([answer.status, answer.json], [400, { error: 'Wrong download token' }], path)
    }
    await expect400(small.replace(one._id, two._id))
    await expect400(small, house.bob)
    await expect400(small.replace(/thumbnails\/./, 'thumbnails/_'))
    for (const secret of ['x', '~', 'a~b', '%00', 'x~k1.AAAAAAAAAAAA.AAAA']) {
      await expect400(`/files/${one._id}/thumbnails/${secret}/tiny`)
    }
    house.advance(9.9 * 60_000)
    assert.equal((await ask(small, { scope: null })).status, 404, 'still valid')
    house.advance(2 * 60_000)
    await expect400(small)
  })
})
