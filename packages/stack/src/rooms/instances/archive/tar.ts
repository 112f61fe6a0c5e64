const BLOCK = 512

/** An archive that is no archive, or was cut. */
export class ArchiveError extends Error {
  override name = 'ArchiveError'
}

/** One file of an archive, as its parts: header, content, padding (POSIX ustar). Names have at most 100 bytes. */
export function tarEntry(name: string, content: Buffer, modified: Date): Buffer[] {
  if (Buffer.byteLength(name) > 100) throw new ArchiveError(`${name} is too long for an archive`)
  const header = Buffer.alloc(BLOCK)
  header.write(name, 0)
  header.write('0000600\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write(
    `${Math.floor(modified.getTime() / 1000)
      .toString(8)
      .padStart(11, '0')}\0`,
    136,
  )
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write(`${sum(header).toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)
  return [header, content, padding]
}

export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK)

const sum = (header: Buffer): number => header.reduce((total, byte) => total + byte, 0)

export interface TarFile {
  name: string
  content: Buffer
}

/**
 * The files of an archive, one after the other, each whole in memory: ours are cut into pieces.
 * @param most bytes of one file that are accepted
 * @throws ArchiveError
 */
export async function* readTar(stream: AsyncIterable<Buffer>, most: number): AsyncGenerator<TarFile> {
  const reader = createReader(stream)
  for (;;) {
    const header = await reader.take(BLOCK)
    if (!header) throw new ArchiveError('The archive is cut: its end is missing')
    if (header.every(byte => byte === 0)) {
      // What comes after the end is read, so that who sends is not left with a full pipe.
      await reader.drain()
      return
    }
    const { name, size } = readHeader(header)
    if (size > most) throw new ArchiveError(`${name} in the archive is larger than ${most} bytes`)
    const content = await reader.take(size)
    const padding = await reader.take((BLOCK - (size % BLOCK)) % BLOCK)
    if (!content || !padding) throw new ArchiveError(`The archive is cut in the middle of ${name}`)
    yield { name, content }
  }
}

function readHeader(header: Buffer): { name: string; size: number } {
  const told = Number.parseInt(header.toString('latin1', 148, 156), 8)
  const copy = Buffer.from(header)
  copy.write('        ', 148)
  const text = (from: number, to: number) => header.toString('utf8', from, to).replace(/\0.*$/s, '')
  if (told !== sum(copy) || text(257, 262) !== 'ustar') throw new ArchiveError('This is not an archive of an instance')
  const size = Number.parseInt(text(124, 136), 8)
  if (!Number.isSafeInteger(size) || size < 0 || text(156, 157) !== '0')
    throw new ArchiveError(`${text(0, 100)} in the archive is nothing that an instance has`)
  return { name: text(0, 100), size }
}

function createReader(stream: AsyncIterable<Buffer>) {
  const iterator = stream[Symbol.asyncIterator]()
  let chunks: Buffer[] = []
  let held = 0
  return {
    /** @returns undefined when the stream ends before */
    async take(size: number): Promise<Buffer | undefined> {
      while (held < size) {
        const next = await iterator.next()
        if (next.done) return undefined
        chunks.push(next.value)
        held += next.value.length
      }
      const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      const rest = all.subarray(size)
      chunks = rest.length > 0 ? [rest] : []
      held = rest.length
      return all.subarray(0, size)
    },
    async drain(): Promise<void> {
      while (!(await iterator.next()).done) {
        // Only read.
      }
    },
  }
}
