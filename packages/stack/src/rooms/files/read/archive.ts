import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { BlobMissing } from '#ground/blobs/contract'
import type { Ground } from '#ground/ground'
import type { Log } from '#ground/log'
import type { Tenant } from '#ground/tenant'
import type { Entry, FileEntry } from '../record.ts'
import type { Reader } from './reader.ts'
import { childrenOf } from './tree-store.ts'

/** Children of a directory read at a time. */
const PAGE = 500
/** What is packed already: deflating it again costs time and gains nothing. */
const PACKED = new Set(['image', 'video', 'audio', 'zip'])

/** Bytes: a zip writes the length of a path in 16 bits, and we may add a number to it. */
const LONGEST_PATH = 65_000

export interface ArchiveDeps {
  blobs: Ground['blobs']
  reader: Reader
}

/**
 * Entries, and all that is below them, as a zip that is written while it is read: neither contents nor lists of directories are
 * held, only the names that a zip repeats at its end. Everything lies in one folder named as the archive.
 * When a content cannot be read the stream breaks off: a zip that silently lacks a file is worse.
 */
export function zipOf(
  { blobs, reader }: ArchiveDeps,
  tenant: Tenant,
  { name, entries }: { name: string; entries: Entry[] },
  log: Log,
): Readable {
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  const taken = new Set<string>()
  const leaving = new AbortController()
  output.once('close', () => leaving.abort())
  // yazl throws its errors as events; unheard, they would end the process.
  zip.on('error', error => output.destroy(error as Error))

  const folder = safeName(name) || 'archive'

  const place = (parent: string, entry: Entry) => {
    const own = safeName(entry.name) || 'files'
    // What lies too deep for a zip comes to lie at its top.
    const fits = Buffer.byteLength(parent) + Buffer.byteLength(own) < LONGEST_PATH
    return freeName(taken, fits ? parent : folder, own)
  }

  async function openContent(file: FileEntry): Promise<{ file: FileEntry; content: Readable } | undefined> {
    try {
      return { file, content: await blobs.open(tenant.id, file.internal_blob) }
    } catch (error) {
      if (!(error instanceof BlobMissing)) throw error
      // Overwritten or destroyed since it was listed.
      const now = await reader.byId(tenant, file._id)
      if (!now) return undefined
      if (now.type !== 'file' || now.internal_blob === file.internal_blob) throw error
      return { file: now, content: await blobs.open(tenant.id, now.internal_blob) }
    }
  }

  async function addFile(listed: FileEntry, path: string): Promise<void> {
    const opened = await openContent(listed)
    if (!opened) return
    const { file, content } = opened
    const abandon = () => content.destroy()
    leaving.signal.addEventListener('abort', abandon)
    content.once('error', error => zip.emit('error', error))
    zip.addReadStream(content, path, {
      mtime: new Date(file.updated_at),
      mode: file.executable ? 0o100755 : 0o100644,
      size: Number(file.size),
      compress: !PACKED.has(file.class),
    })
    // The next content is opened when this one is through: one is open at a time, whatever the number.
    try {
      await finished(content, { writable: false })
    } finally {
      leaving.signal.removeEventListener('abort', abandon)
    }
  }

  async function addDirectory(id: string, path: string): Promise<void> {
    let after: { type: string; name: string } | undefined
    let isEmpty = true
    do {
      const children = await childrenOf(reader.run, tenant.id, id, { limit: PAGE, after })
      for (const child of children) {
        isEmpty = false
        await add(child, place(path, child))
      }
      const last = children.at(-1)
      after = children.length === PAGE && last ? { type: last.type, name: last.name } : undefined
    } while (after)
    if (isEmpty) zip.addEmptyDirectory(path)
  }

  async function add(entry: Entry, path: string): Promise<void> {
    leaving.signal.throwIfAborted()
    await (entry.type === 'file' ? addFile(entry, path) : addDirectory(entry._id, path))
  }

  async function write(): Promise<void> {
    for (const entry of entries) await add(entry, place(folder, entry))
    zip.end()
  }

  write().catch(error => {
    if (leaving.signal.aborted) return
    log.error('an archive broke off', { error })
    output.destroy(error)
  })
  return output
}

/** No name may lead out of the folder that a zip is unpacked in: `\` is a separator to some, and yazl makes it one. */
export function safeName(name: string): string {
  const safe = name.toWellFormed().replace(/[\p{Cc}\\/]/gu, '_')
  return /^\.{1,2}$/.test(safe) ? safe.replaceAll('.', '_') : safe
}

/** `parent/name`, or `parent/name (2)`, whichever is free; takes it. */
export function freeName(taken: Set<string>, parent: string, name: string): string {
  const dot = name.lastIndexOf('.')
  const [base, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  let path = `${parent}/${name}`
  for (let number = 2; taken.has(path); number++) path = `${parent}/${base} (${number})${extension}`
  taken.add(path)
  return path
}
