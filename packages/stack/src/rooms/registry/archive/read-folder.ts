import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isOfGit, safePath } from './entry-name.ts'
import { type ArchiveLimits, ArchiveRefused, createMeter } from './limits.ts'
import type { FileSink } from './unpack.ts'

/**
 * Hands over the files of a folder of this machine, without those of git, in the order of their names.
 * @throws ArchiveRefused for links and what else is no file, and over the limits; the errors of the file system
 */
export async function readFolder(folder: string, limits: ArchiveLimits, sink: FileSink): Promise<void> {
  const meter = createMeter(limits)
  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(join(folder, below), { withFileTypes: true })
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = safePath(below === '' ? entry.name : `${below}/${entry.name}`)
      if (isOfGit(path)) continue
      if (entry.isDirectory()) {
        meter.entry(path, 0)
        await walk(path)
      } else if (entry.isFile()) await readOne(path)
      else throw new ArchiveRefused(`${path} is neither a file nor a folder`)
    }
  }
  const readOne = async (path: string) => {
    const handle = await open(join(folder, path), 'r')
    try {
      const { size } = await handle.stat()
      meter.entry(path, size)
      // A file that grows meanwhile is cut where it ended.
      const stream = size === 0 ? [] : handle.createReadStream({ end: size - 1, autoClose: false })
      await sink(path, size, stream as AsyncIterable<Buffer>)
    } finally {
      await handle.close()
    }
  }
  await walk('')
}
