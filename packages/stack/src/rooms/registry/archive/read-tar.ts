import { type ByteReader, createByteReader } from './byte-reader.ts'
import { ArchiveRefused } from './limits.ts'

const BLOCK = 512
/** Longest header of names (pax, GNU): a path has 1 KiB at most. */
const LONGEST_HEADER = 64 * 1024

/** A regular file of an archive. `content` must be read to its end before the next one is asked for. */
export interface TarFile {
  /** As written: not safe. */
  name: string
  size: number
  content: AsyncGenerator<Buffer>
}

const WHAT: Record<string, string> = {
  1: 'a hard link',
  2: 'a symbolic link',
  3: 'a device',
  4: 'a device',
  6: 'a pipe',
}

/**
 * The regular files of a tar (ustar, pax, GNU names), one after the other. Directories are left out: files make theirs.
 * @throws ArchiveRefused for links, devices, and what is no whole archive
 */
export async function* readTar(stream: AsyncIterable<Buffer>): AsyncGenerator<TarFile> {
  const reader = createByteReader(stream)
  let name: string | undefined
  let size: number | undefined
  for (;;) {
    const header = await reader.take(BLOCK)
    if (!header) throw cut()
    if (header.every(byte => byte === 0)) return
    const told = headerOf(header)
    const length = size ?? told.size
    if ('xgLK'.includes(told.type)) {
      const text = await extension(reader, told.size)
      if (told.type === 'x') {
        const said = paxOf(text)
        name = said.name ?? name
        size = said.size ?? size
      }
      // What holds for all that follows is a comment in every archive we know (git's commit id).
      if (told.type === 'g' && Object.keys(paxOf(text)).length > 0)
        throw new ArchiveRefused('It has one name for all files')
      if (told.type === 'L') name = textOf(text)
      continue
    }
    const file: TarFile = {
      name: name ?? told.name,
      size: length,
      content: reader.chunks(length, cut),
    }
    name = undefined
    size = undefined
    if (WHAT[told.type]) throw new ArchiveRefused(`${JSON.stringify(file.name.slice(0, 200))} is ${WHAT[told.type]}`)
    if (told.type === '5') {
      if (length > 0) throw new ArchiveRefused('A directory in it has a content')
      continue
    }
    if (told.type !== '0')
      throw new ArchiveRefused(`It holds something of the unknown kind ${JSON.stringify(told.type)}`)
    // Before pax and ustar, a directory was a file whose name ends with a slash.
    if (!file.name.endsWith('/')) yield file
    for await (const _unread of file.content) {
      // Only read.
    }
    if (!(await reader.take((BLOCK - (length % BLOCK)) % BLOCK))) throw cut()
  }
}

function headerOf(header: Buffer): { name: string; size: number; type: string } {
  const copy = Buffer.from(header)
  copy.fill(0x20, 148, 156)
  const sum = copy.reduce((total, byte) => total + byte, 0)
  if (octal(header.subarray(148, 156)) !== sum) throw new ArchiveRefused('It is not a tar archive, or was damaged')
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? textOf(header.subarray(345, 500)) : ''
  const own = textOf(header.subarray(0, 100))
  const type = header.toString('latin1', 156, 157)
  return {
    name: prefix ? `${prefix}/${own}` : own,
    size: octal(header.subarray(124, 136)),
    type: type === '\0' || type === '7' ? '0' : type,
  }
}

/** Sizes beyond 8 GiB are written in another way; none of them is taken. */
function octal(field: Buffer): number {
  const text = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .replace(/^ +/, '')
  if (!/^[0-7]{1,11}$/.test(text)) throw new ArchiveRefused('It is not a tar archive, or was damaged')
  return Number.parseInt(text, 8)
}

async function extension(reader: ByteReader, size: number): Promise<Buffer> {
  if (size > LONGEST_HEADER) throw new ArchiveRefused('A name in it is too long')
  const whole = await reader.take(size + ((BLOCK - (size % BLOCK)) % BLOCK))
  if (!whole) throw cut()
  return whole.subarray(0, size)
}

/** Records of POSIX.1-2001: `27 path=some/very/long/name\n`, the number counting itself. */
function paxOf(records: Buffer): { name?: string; size?: number } {
  const found: { name?: string; size?: number } = {}
  for (let at = 0; at < records.length; ) {
    const [, digits = ''] = /^(\d{1,5}) /.exec(records.toString('latin1', at, at + 6)) ?? []
    const length = Number(digits)
    const record = records.subarray(at + digits.length + 1, at + length - 1)
    if (length <= digits.length + 2 || at + length > records.length || records[at + length - 1] !== 0x0a)
      throw new ArchiveRefused('A header of it was damaged')
    const equals = record.indexOf(0x3d)
    const key = record.toString('utf8', 0, equals)
    const value = record.toString('utf8', equals + 1)
    if (key === 'path') found.name = value
    if (key === 'size') {
      if (!/^\d{1,15}$/.test(value)) throw new ArchiveRefused('A header of it was damaged')
      found.size = Number(value)
    }
    if (key.startsWith('GNU.sparse')) throw new ArchiveRefused('A file in it has holes')
    at += length
  }
  return found
}

const textOf = (field: Buffer): string => {
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? undefined : end)
}

const cut = () => new ArchiveRefused('It is cut: its end is missing')
