import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ArchiveRefused, type FileSink, safePath } from '#rooms/registry'

/** Folders of konnectors being taken; a crash leaves them, the next collection takes them away. */
const INCOMING = '.incoming'
const NAME = /^[0-9a-f]{64}$/

/** A file that was staged. */
export interface StagedFile {
  path: string
  size: number
  sha256: string
}

/** A folder that fills up, of nobody yet. Disposing takes it away, unless it was kept. */
export interface Staging extends AsyncDisposable {
  folder: string
  files: StagedFile[]
  /** Writes a file; its bytes are on disk when it resolves. */
  write: FileSink
  /** The bytes of a file; undefined when there is none of the name. */
  read(path: string, most: number): Promise<Buffer | undefined>
  /**
   * Makes a bundle of the files below a prefix, which is taken off; others are thrown away.
   * @returns its name: the same files always have the same
   */
  keep(prefix?: string): Promise<string>
}

/**
 * The code of konnectors, shared by all instances: a folder per content, named by its SHA-256, never changed once it is there.
 * It is written beside, synced, and moved in one step: a kill leaves all of it or none.
 */
export function createBundles(directory: string) {
  const folderOf = (name: string) => {
    if (!NAME.test(name)) throw new TypeError(`not the name of a bundle: ${name}`)
    return join(directory, name)
  }

  return {
    folderOf,
    has: (name: string): Promise<boolean> => isThere(folderOf(name)),
    /** Says that a bundle is or was just in use: it is kept for an hour. */
    async touch(name: string, now: Date): Promise<void> {
      await utimes(folderOf(name), now, now).catch(ignoreMissing)
    },
    async stage(): Promise<Staging> {
      const folder = join(directory, INCOMING, randomUUID())
      await mkdir(folder, { recursive: true, mode: 0o755 })
      return staging(folder, name => folderOf(name), directory)
    },
    /** Bundles and abandoned folders that nobody touched since. */
    async *untouchedSince(time: Date): AsyncGenerator<{ name: string; incoming: boolean }> {
      for (const [folder, incoming] of [
        [directory, false],
        [join(directory, INCOMING), true],
      ] as const) {
        for (const name of await namesIn(folder)) {
          if (!incoming && !NAME.test(name)) continue
          const found = await stat(join(folder, name)).catch(ignoreMissing)
          if (found && found.mtimeMs < time.getTime()) yield { name, incoming }
        }
      }
    },
    /** Out of sight at once, then away. */
    async remove(name: string): Promise<void> {
      const gone = join(directory, INCOMING, randomUUID())
      await mkdir(join(directory, INCOMING), { recursive: true })
      await rename(folderOf(name), gone).catch(ignoreMissing)
      await rm(gone, { recursive: true, force: true })
    },
    async removeIncoming(name: string): Promise<void> {
      await rm(join(directory, INCOMING, name), { recursive: true, force: true })
    },
  }
}

export type Bundles = ReturnType<typeof createBundles>

function staging(folder: string, placeOf: (name: string) => string, directory: string): Staging {
  const files: StagedFile[] = []
  return {
    folder,
    files,
    async write(given, size, content) {
      const path = safePath(given)
      const place = join(folder, path)
      const hash = createHash('sha256')
      try {
        await mkdir(dirname(place), { recursive: true, mode: 0o755 })
        const handle = await open(place, 'wx', 0o644)
        try {
          let written = 0
          for await (const chunk of content) {
            written += chunk.length
            hash.update(chunk)
            for (let done = 0; done < chunk.length; ) done += (await handle.write(chunk, done)).bytesWritten
          }
          if (written !== size) throw new ArchiveRefused(`${path} has not the length it was said to have`)
          await handle.sync()
        } finally {
          await handle.close()
        }
      } catch (error) {
        // Also names that differ by case only, where the disk does not tell them apart.
        if (['EEXIST', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
          throw new ArchiveRefused(`${path} is in it twice`)
        throw error
      }
      files.push({ path, size, sha256: hash.digest('hex') })
    },
    async read(path, most) {
      const found = files.find(file => file.path === path)
      if (!found) return undefined
      if (found.size > most) throw new ArchiveRefused(`${path} is larger than ${most} bytes`)
      const handle = await open(join(folder, path), 'r')
      try {
        return await handle.readFile()
      } finally {
        await handle.close()
      }
    },
    async keep(prefix = '') {
      const start = prefix === '' ? '' : `${prefix}/`
      const kept = files.filter(({ path }) => path.startsWith(start))
      if (kept.length === 0) throw new ArchiveRefused('There is nothing in it')
      const name = contentName(kept, start.length)
      const place = placeOf(name)
      if (await isThere(place)) return name
      const from = join(folder, prefix)
      for (const below of foldersOf(kept, start.length)) await syncFolder(join(from, below))
      try {
        await rename(from, place)
      } catch (error) {
        // Somebody else has just made the same one.
        if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return name
        throw error
      }
      const now = new Date()
      await utimes(place, now, now)
      await syncFolder(directory)
      return name
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** SHA-256 over paths, lengths and contents, in the order of the paths. */
function contentName(files: StagedFile[], prefixLength: number): string {
  const hash = createHash('sha256')
  const relative = files.map(({ path, size, sha256 }) => ({ path: path.slice(prefixLength), size, sha256 }))
  for (const { path, size, sha256 } of relative.toSorted((a, b) =>
    Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)),
  ))
    hash.update(`${path}\0${size}\0${sha256}\n`)
  return hash.digest('hex')
}

/** Every folder below, the deepest first. */
function foldersOf(files: StagedFile[], prefixLength: number): string[] {
  const folders = new Set<string>([''])
  for (const { path } of files)
    for (let at = path.indexOf('/', prefixLength); at !== -1; at = path.indexOf('/', at + 1))
      folders.add(path.slice(prefixLength, at))
  return [...folders].toSorted((a, b) => b.length - a.length)
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function isThere(folder: string): Promise<boolean> {
  return (await stat(folder).catch(ignoreMissing))?.isDirectory() ?? false
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(ignoreMissing)) ?? []
}

/** What is not there (any more) is as if it had never been. */
function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}
