import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../clock.ts'
import { hasCode } from '../database/start-error.ts'
import { BlobMissing, type Blobs, type StoredBlob } from './contract.ts'

export interface LocalBlobsOptions {
  /** Absolute; made when missing. All processes of a server share it. */
  directory: string
  /** Gives blobs their age. */
  clock: Clock
}

/** What is still coming in lies beside its final place: the rename stays in one directory, whose fsync then covers it. */
const PART = '.part'
const KEY = /^[0-9a-f]{32}$/
const TENANT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Blobs in a local directory: `<tenant>/<two digits of the key>/<key>`. Keys are random, so 256 folders hold a million files
 * with some thousands in each.
 *
 * Durable before `put` resolves: bytes, then the name, then the folders on the way that were new (storage.md §6: a power cut
 * loses what was not fsynced). A kill at any instant leaves a `.part` or a blob no row names; `list` shows both, by key.
 */
export function createLocalBlobs({ directory, clock }: LocalBlobsOptions): Blobs {
  /** Folders that are known to be on disk; asking again for every upload would double its syncs. */
  const durable = new Set<string>()

  const tenantFolder = (tenantId: string) => {
    if (!TENANT.test(tenantId)) throw new TypeError(`not the id of a tenant: ${tenantId}`)
    return join(directory, tenantId)
  }
  const folderOf = (tenantId: string, key: string) => {
    if (!KEY.test(key)) throw new TypeError(`not the key of a blob: ${key}`)
    return join(tenantFolder(tenantId), key.slice(0, 2))
  }

  const ensureFolder = async (tenantId: string, key: string): Promise<string> => {
    const folder = folderOf(tenantId, key)
    if (durable.has(folder)) return folder
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const parent of [tenantFolder(tenantId), directory, join(directory, '..')]) await syncDirectory(parent)
    durable.add(folder)
    return folder
  }

  return {
    async put(tenantId, content, options = {}) {
      const key = randomBytes(16).toString('hex')
      const folder = await ensureFolder(tenantId, key)
      const part = join(folder, key + PART)
      try {
        const stored = await receive(part, content, { ...options, now: () => clock.now() })
        await rename(part, join(folder, key))
        await syncDirectory(folder)
        return { key, ...stored }
      } catch (error) {
        await rm(part, { force: true })
        await rm(join(folder, key), { force: true })
        // Somebody may have removed the folder under us: the next one makes it again.
        durable.delete(folder)
        throw error
      }
    },

    async open(tenantId, key, range) {
      let handle: FileHandle
      try {
        handle = await open(join(folderOf(tenantId, key), key), 'r')
      } catch (error) {
        if (hasCode(error, 'ENOENT')) throw new BlobMissing(key)
        throw error
      }
      return handle.createReadStream(range ?? {})
    },

    async remove(tenantId, keys) {
      for (const key of keys) {
        const path = join(folderOf(tenantId, key), key)
        await rm(path, { force: true })
        await rm(path + PART, { force: true })
      }
    },

    async *list(tenantId, { olderThan }) {
      for (const name of await namesIn(tenantFolder(tenantId))) {
        const folder = join(tenantFolder(tenantId), name)
        for await (const file of entriesOf(folder)) {
          const key = file.endsWith(PART) ? file.slice(0, -PART.length) : file
          if (KEY.test(key) && (await changedBefore(join(folder, file), olderThan))) yield key
        }
      }
    },

    async dropTenant(tenantId) {
      const folder = tenantFolder(tenantId)
      await rm(folder, { recursive: true, force: true })
      for (const known of durable) if (known.startsWith(folder)) durable.delete(known)
    },
  }
}

/** Writes a stream to a new file and syncs it. The file is the caller's to remove when this rejects. */
async function receive(
  path: string,
  content: Readable,
  { signal, check, now }: { signal?: AbortSignal; check?(bytesSoFar: number): void; now(): Date },
): Promise<Omit<StoredBlob, 'key'>> {
  signal?.throwIfAborted()
  const stop = () => content.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal?.addEventListener('abort', stop, { once: true })
  const hash = createHash('md5')
  let size = 0
  const file = await open(path, 'wx', 0o600)
  try {
    // Left alive when we stop early: of a request, destroying it would close the connection before the answer is out.
    for await (const chunk of content.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      size += bytes.length
      check?.(size)
      hash.update(bytes)
      await writeAll(file, bytes)
    }
    signal?.throwIfAborted()
    await file.utimes(now(), now())
    await file.sync()
  } finally {
    signal?.removeEventListener('abort', stop)
    await file.close()
  }
  return { size, md5: hash.digest('base64') }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done)
    done += bytesWritten
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

async function* entriesOf(folder: string): AsyncIterable<string> {
  for await (const entry of await opendir(folder)) if (entry.isFile()) yield entry.name
}

/** What went away meanwhile is nobody's orphan any more. */
async function changedBefore(path: string, time: Date): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < time.getTime()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
