import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { safePath } from './entry-name.ts'
import { type ArchiveLimits, ArchiveRefused, createMeter, RATIO_FROM } from './limits.ts'
import { readTar } from './read-tar.ts'

/** Takes a file of what is unpacked. `path` is safe; `size` bytes come in `content`. */
export type FileSink = (path: string, size: number, content: AsyncIterable<Buffer>) => Promise<void>

/**
 * Hands over the files of an archive, gzip or plain tar, told by its first bytes.
 * @throws ArchiveRefused; the caller throws away what it has taken so far
 */
export async function unpack(archive: Buffer, limits: ArchiveLimits, sink: FileSink): Promise<void> {
  const meter = createMeter(limits, archive.length)
  const isGzip = archive[0] === 0x1f && archive[1] === 0x8b
  const source = Readable.from([archive])
  const stream = isGzip ? source.pipe(createGunzip()) : source
  try {
    for await (const { name, size, content } of readTar(counted(stream, archive.length, limits))) {
      const path = safePath(name)
      meter.entry(path, size)
      if (path !== '') await sink(path, size, content)
    }
  } catch (error) {
    if (
      typeof (error as NodeJS.ErrnoException).code === 'string' &&
      (error as NodeJS.ErrnoException).code?.startsWith('Z_')
    )
      throw new ArchiveRefused('It is not a gzip archive, or was damaged', { cause: error })
    throw error
  } finally {
    stream.destroy()
  }
}

/** All that comes out, headers and directories too: they pack best of all. */
async function* counted(stream: AsyncIterable<Buffer>, packed: number, limits: ArchiveLimits): AsyncGenerator<Buffer> {
  const most = limits.unpacked + limits.entries * 4096
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > most) throw new ArchiveRefused(`It unpacks to more than ${limits.unpacked} bytes`)
    if (bytes > RATIO_FROM && bytes > packed * limits.ratio)
      throw new ArchiveRefused(`It unpacks to more than ${limits.ratio} times its size`)
    yield chunk
  }
}
