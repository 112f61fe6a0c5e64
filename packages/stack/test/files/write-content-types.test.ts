import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { readPicture } from '../../src/rooms/files/write/exif.ts'
import { fileType } from '../../src/rooms/files/write/mime.ts'
import { openWriteHouse } from './write-house.ts'

const house = await openWriteHouse()
after(() => house[Symbol.asyncDispose]())

describe('type and class', () => {
  test('the given type is kept, without its parameters; nothing or octet-stream is guessed from the name', () => {
    assert.deepEqual(fileType('a.txt', 'application/pdf; q=1'), { mime: 'application/pdf', class: 'pdf' })
    assert.deepEqual(fileType('a.pdf'), { mime: 'application/pdf', class: 'pdf' })
    assert.deepEqual(fileType('A.PDF', 'application/octet-stream'), { mime: 'application/pdf', class: 'pdf' })
    assert.deepEqual(fileType('noextension'), { mime: 'application/octet-stream', class: 'files' })
    assert.deepEqual(fileType('x.constructor'), { mime: 'application/octet-stream', class: 'files' })
    assert.deepEqual(fileType('go.url', 'text/plain'), { mime: 'application/internet-shortcut', class: 'shortcut' })
    assert.deepEqual(fileType('x', 'Image/PNG'), { mime: 'Image/PNG', class: 'image' })
    for (const bad of ['pdf', 'a/b/c', 'a b/c', '/pdf', 'application/']) {
      assert.throws(() => fileType('x', bad), { status: 422, source: { parameter: 'mime' } }, bad)
    }
  })

  test('classes by extension', () => {
    const expected = {
      binary: 'dmg exe',
      code: 'html css xml c go py rb',
      slide: 'ppt pptx key odp odg',
      spreadsheet: 'xls xlsx numbers ods',
      text: 'doc docx pages odt txt csv',
      zip: '7z rar zip gz tar',
      image: 'jpg jpeg png gif heic webp',
      audio: 'mp3 wav flac',
      video: 'mp4 webm mov',
    }
    for (const [name, extensions] of Object.entries(expected)) {
      for (const extension of extensions.split(' ')) assert.equal(fileType(`x.${extension}`).class, name, extension)
    }
  })

  test('a malformed type is refused before anything is stored', async () => {
    const answer = await house.ask('/files/?Type=file&Name=x', {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'nonsense' },
    })
    assert.equal(answer.status, 422)
    assert.deepEqual(house.blobFiles(), [])
  })
})

/** A JPEG's first segments: EXIF with the given fields, then the size. */
function jpeg({ order = 'II', taken = '2024:05:06 07:08:09', offset = '+02:00', orientation = 6 } = {}): Buffer {
  const little = order === 'II'
  const short = (value: number) => {
    const bytes = Buffer.alloc(2)
    little ? bytes.writeUInt16LE(value) : bytes.writeUInt16BE(value)
    return bytes
  }
  const long = (value: number) => {
    const bytes = Buffer.alloc(4)
    little ? bytes.writeUInt32LE(value) : bytes.writeUInt32BE(value)
    return bytes
  }
  const field = (tag: number, type: number, count: number, value: Buffer) =>
    Buffer.concat([short(tag), short(type), long(count), value, Buffer.alloc(4 - value.length)])
  const directory = (...fields: Buffer[]) => Buffer.concat([short(fields.length), ...fields, long(0)])
  const text = (value: string) => Buffer.from(`${value}\0`)
  const rationals = (...values: number[]) => Buffer.concat(values.flatMap(value => [long(value * 100), long(100)]))
  // Offsets are from the start of the TIFF header.
  const [exifAt, gpsAt, takenAt, offsetAt, latitudeAt, longitudeAt] = [100, 200, 300, 330, 350, 380]
  const tiff = Buffer.alloc(410)
  tiff.write(order)
  const put = (at: number, bytes: Buffer) => bytes.copy(tiff, at)
  put(2, short(42))
  put(4, long(8))
  put(
    8,
    directory(
      field(0x0112, 3, 1, short(orientation)),
      field(0x8769, 4, 1, long(exifAt)),
      field(0x8825, 4, 1, long(gpsAt)),
    ),
  )
  put(exifAt, directory(field(0x9003, 2, 20, long(takenAt)), field(0x9011, 2, 7, long(offsetAt))))
  put(
    gpsAt,
    directory(
      field(1, 2, 2, text('N')),
      field(2, 5, 3, long(latitudeAt)),
      field(3, 2, 2, text('W')),
      field(4, 5, 3, long(longitudeAt)),
    ),
  )
  put(takenAt, text(taken))
  put(offsetAt, text(offset))
  put(latitudeAt, rationals(48, 30, 0))
  put(longitudeAt, rationals(2, 15, 36))
  const segment = (marker: number, content: Buffer) => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(content.length + 2)
    return Buffer.concat([Buffer.from([0xff, marker]), length, content])
  }
  const frame = Buffer.from([8, 0x01, 0x2c, 0x02, 0x58, 3])
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), tiff])),
    segment(0xc0, frame),
    Buffer.from([0xff, 0xda]),
  ])
}

describe('pictures', () => {
  const facts = {
    orientation: 6,
    datetime: '2024-05-06T05:08:09.000Z',
    gps: { lat: 48.5, long: -2.26 },
    height: 300,
    width: 600,
  }

  test('facts in both byte orders', () => {
    for (const order of ['II', 'MM']) assert.deepEqual(readPicture(jpeg({ order })), facts)
    assert.equal(readPicture(jpeg({ offset: '      ' })).datetime, '2024-05-06T07:08:09.000Z')
    for (const taken of ['1980:01:01 00:00:00', '0000:00:00 00:00:00', 'yesterday']) {
      assert.equal(readPicture(jpeg({ taken })).datetime, undefined)
    }
    const png = Buffer.concat([
      Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
      Buffer.from([0, 0, 1, 0, 0, 0, 2, 0]),
    ])
    assert.deepEqual(readPicture(png), { width: 256, height: 512 })
  })

  test('no broken picture breaks an upload: cut anywhere, any byte changed', () => {
    const whole = jpeg()
    for (let length = 0; length < whole.length; length++) readPicture(whole.subarray(0, length))
    for (let at = 2; at < whole.length; at++) {
      for (const value of [0, 0x7f, 0xff]) {
        const broken = Buffer.from(whole)
        broken[at] = value
        readPicture(broken)
      }
    }
  })

  test('the date of a photo is its creation; what is given goes before what is read', async () => {
    const answer = await house.ask(
      '/files/?Type=file&Name=p.jpg&CreatedAt=2025-01-01T00:00:00Z&Metadata={"orientation":1}',
      {
        method: 'POST',
        body: jpeg(),
      },
    )
    const { attributes } = answer.json.data
    assert.equal(attributes.created_at, facts.datetime)
    assert.equal(attributes.updated_at, '2025-01-01T00:00:00.000Z')
    assert.deepEqual(attributes.metadata, { ...facts, orientation: 1, extractor_version: 2 })
    assert.equal(attributes.class, 'image')
    const other = await house.overwrite(answer.json.data.id, jpeg({ taken: '2025:01:01 00:00:00' }))
    assert.equal(other.json.data.attributes.metadata.datetime, '2024-12-31T22:00:00.000Z')
    assert.equal(other.json.data.attributes.created_at, facts.datetime)
  })
})
