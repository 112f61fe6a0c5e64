/** What a camera wrote into a picture, as far as files show it (`protocol/files.md` §3). */
export interface PictureFacts {
  width?: number
  height?: number
  /** Orientation, 1 to 8. */
  orientation?: number
  /** When it was taken, ISO 8601. Cameras that say no offset are taken to be in UTC. */
  datetime?: string
  gps?: { lat: number; long: number }
}

/** How many bytes at the beginning are looked at: a segment has 64 KiB at most, EXIF is among the first ones. */
export const PICTURE_HEAD_BYTES = 256 * 1024

const JPEG_START = 0xffd8
const PNG_START = Buffer.from('89504e470d0a1a0a', 'hex')

/** Facts of a JPEG or PNG; empty for anything else. A broken picture is a file like any other: what cannot be read is left out. */
export function readPicture(head: Buffer): PictureFacts {
  if (head.length >= 24 && head.subarray(0, 8).equals(PNG_START)) {
    return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) }
  }
  if (head.length < 4 || head.readUInt16BE(0) !== JPEG_START) return {}
  return { ...readExif(head), ...readSize(head) }
}

/** Segments of a JPEG up to the first scan: marker and content. */
function* segments(head: Buffer): Iterable<[marker: number, content: Buffer]> {
  let at = 2
  while (at + 4 <= head.length && head[at] === 0xff) {
    const marker = head[at + 1]!
    // Fill bytes may stand before a marker.
    if (marker === 0xff) {
      at += 1
      continue
    }
    const length = head.readUInt16BE(at + 2)
    if (marker === 0xda || length < 2) return
    yield [marker, head.subarray(at + 4, at + 2 + length)]
    at += 2 + length
  }
}

/** Start-of-frame markers; C4, C8 and CC in their midst mean other things. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)

function readSize(head: Buffer): PictureFacts {
  for (const [marker, content] of segments(head)) {
    if (isFrame(marker) && content.length >= 5)
      return { height: content.readUInt16BE(1), width: content.readUInt16BE(3) }
  }
  return {}
}

function readExif(head: Buffer): PictureFacts {
  for (const [marker, content] of segments(head)) {
    if (marker !== 0xe1 || content.toString('latin1', 0, 6) !== 'Exif\0\0') continue
    const tiff = readTiff(content.subarray(6))
    if (tiff) return factsOf(tiff)
  }
  return {}
}

interface Field {
  text(): string
  numbers(): number[]
}

interface Tiff {
  /** Fields of the directory at an offset, by tag; empty where there is none. */
  directory(offset: number): Map<number, Field>
  first: number
}

/** Bytes of one value by its type: byte, text, short, long, rational. Other types are of no field we read. */
const TYPE_BYTES: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8 }

function readTiff(bytes: Buffer): Tiff | undefined {
  const order = bytes.toString('latin1', 0, 2)
  if (bytes.length < 8 || (order !== 'II' && order !== 'MM')) return undefined
  const short = (at: number) => (order === 'II' ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at))
  const long = (at: number) => (order === 'II' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  if (short(2) !== 42) return undefined

  const field = (type: number, count: number, at: number): Field => ({
    text: () => (type === 2 ? bytes.toString('latin1', at, at + count).replace(/\0.*$/s, '') : ''),
    numbers: () =>
      Array.from({ length: count }, (_, index) => {
        if (type === 3) return short(at + index * 2)
        if (type === 4) return long(at + index * 4)
        if (type === 5) return long(at + index * 8) / long(at + index * 8 + 4)
        return Number.NaN
      }),
  })
  return {
    first: long(4),
    directory(offset) {
      const fields = new Map<number, Field>()
      if (offset + 2 > bytes.length) return fields
      const count = short(offset)
      for (let at = offset + 2; at + 12 <= bytes.length && fields.size < count; at += 12) {
        const type = short(at + 2)
        const values = long(at + 4)
        const size = (TYPE_BYTES[type] ?? 0) * values
        const place = size <= 4 ? at + 8 : long(at + 8)
        const isReadable = size > 0 && values <= 1000 && place + size <= bytes.length
        fields.set(short(at), isReadable ? field(type, values, place) : { text: () => '', numbers: () => [] })
      }
      return fields
    },
  }
}

const TAG = { orientation: 0x0112, exif: 0x8769, gps: 0x8825, taken: 0x9003, offset: 0x9011 } as const

function factsOf({ directory, first }: Tiff): PictureFacts {
  const main = directory(first)
  const one = (fields: Map<number, Field>, tag: number) => fields.get(tag)?.numbers()[0]
  const at = (offset: number | undefined) => (offset === undefined ? new Map<number, Field>() : directory(offset))
  const exif = at(one(main, TAG.exif))
  const orientation = one(main, TAG.orientation)
  const datetime = takenAt(exif.get(TAG.taken)?.text(), exif.get(TAG.offset)?.text())
  const gps = placeOf(at(one(main, TAG.gps)))
  return {
    ...(orientation !== undefined && orientation >= 1 && orientation <= 8 && { orientation }),
    ...(datetime && { datetime }),
    ...(gps && { gps }),
  }
}

/** Cameras whose clock was never set say 1980 or 0000: only dates after 1990 count. */
function takenAt(text = '', offset = ''): string | undefined {
  const [, year, month, day, time] = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(text) ?? []
  if (!year || Number(year) <= 1990) return undefined
  const date = new Date(`${year}-${month}-${day}T${time}${/^[+-]\d\d:\d\d$/.test(offset) ? offset : 'Z'}`)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

function placeOf(fields: Map<number, Field>): { lat: number; long: number } | undefined {
  const degrees = (reference: number, value: number, negative: string) => {
    const [whole = Number.NaN, minutes = 0, seconds = 0] = fields.get(value)?.numbers() ?? []
    const sign = fields.get(reference)?.text().startsWith(negative) ? -1 : 1
    return sign * (whole + minutes / 60 + seconds / 3600)
  }
  const lat = degrees(1, 2, 'S')
  const long = degrees(3, 4, 'W')
  return Math.abs(lat) <= 90 && Math.abs(long) <= 180 ? { lat, long } : undefined
}
