import { gzipSync } from 'node:zlib'

const BLOCK = 512

/** A file to be written. */
export interface FileToPack {
  path: string
  content: Buffer
}

/** A gzip tar of files, the same bytes for the same files: dates, owners and order say nothing. */
export function packTar(files: FileToPack[]): Buffer {
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
  const parts = sorted.flatMap(({ path, content }) => entry(path, content, '0'))
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]), { level: 6 })
}

function entry(path: string, content: Buffer, type: string): Buffer[] {
  const name = Buffer.from(path)
  if (name.length > 100 || name.length !== path.length) {
    // Long names, and those that are not ASCII, in a pax header before.
    return [...entry('pax', paxRecord(path), 'x'), ...entry(path.replace(/[^ -~]/g, '_').slice(-90), content, type)]
  }
  const header = Buffer.alloc(BLOCK)
  name.copy(header)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write(type, 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]
}

function paxRecord(path: string): Buffer {
  const rest = ` path=${path}\n`
  const bytes = Buffer.byteLength(rest)
  let length = bytes + String(bytes).length
  if (bytes + String(length).length !== length) length = bytes + String(length).length
  return Buffer.from(`${length}${rest}`)
}
