import { createHash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { ApiError, fileConflict } from '../http/errors.ts'
import { isOtherProcessAlive } from '../process-alive.ts'

/**
 * Uploads grow in the root, so that putting them in place stays on one file system; not in a directory of their own, because making
 * and removing it for each of a thousand files cost more than all the rest.
 */
const UPLOAD_NAME = /^\.konnectory-(\d+)-\d+\.part$/

/** Content that has arrived whole and is not in place yet. */
export interface Received {
  temporary: string
  size: number
  md5sum: string
}

let uploads = 0
/** Uploads under way in this process, by path. */
const growing = new Set<string>()

/** A directory of this machine as the place of a stack's files. Nothing outside of it is ever reached, symbolic links included. */
export class Disk {
  readonly root: string

  /**
   * @param root made when missing
   * @param alone no other process uses this directory: whatever uploads are there were left by one that was killed
   */
  constructor(root: string, alone: boolean) {
    mkdirSync(root, { recursive: true })
    this.root = realpathSync(root)
    this.#removeUploadsOfTheDead(alone)
  }

  /** The absolute path of these components, which were checked by `checkName`. */
  path(components: readonly string[]): string {
    return join(this.root, ...components)
  }

  isInternal(components: readonly string[]): boolean {
    return UPLOAD_NAME.test(components[0] ?? '')
  }

  /**
   * What is there, without following a link. Undefined for nothing, for anything but a file or a directory, and for what lies behind
   * a symbolic link (which might lead out of the root).
   */
  look(components: readonly string[]): Stats | undefined {
    if (!this.#reachable(components)) return undefined
    const found = this.#lstat(this.path(components))
    return found?.isFile() || found?.isDirectory() ? found : undefined
  }

  /** True when a new entry could be made there: its directory is reachable and the name is free, even of links and sockets. */
  isFree(components: readonly string[]): boolean {
    return this.#reachable(components) && this.#lstat(this.path(components)) === undefined
  }

  #lstat(path: string): Stats | undefined {
    return lstatSync(path, { throwIfNoEntry: false })
  }

  #reachable(components: readonly string[]): boolean {
    for (let depth = 1; depth < components.length; depth++) {
      if (!this.#lstat(this.path(components.slice(0, depth)))?.isDirectory()) return false
    }
    return true
  }

  /** Takes a stream in, in constant memory. Nothing is left behind when it fails. */
  async receive(body: AsyncIterable<Uint8Array> | undefined, signal: AbortSignal | undefined): Promise<Received> {
    const temporary = join(this.root, `.konnectory-${process.pid}-${++uploads}.part`)
    // Somebody may have removed the whole directory since the last one.
    if (!existsSync(this.root)) mkdirSync(this.root, { recursive: true })
    const hash = createHash('md5')
    let size = 0
    const fd = openSync(temporary, 'wx')
    growing.add(temporary)
    try {
      // Written synchronously: one konnector is served, most files are small, and a stream with its three trips through the thread
      // pool cost more than the rest of an upload. Not fsynced: a killed process loses nothing, a power cut may cost the last files.
      for await (const chunk of interruptible(body, signal)) {
        hash.update(chunk)
        for (let at = 0; at < chunk.byteLength; ) at += writeSync(fd, chunk, at)
        size += chunk.byteLength
      }
      closeSync(fd)
    } catch (error) {
      closeQuietly(fd)
      this.discard(temporary)
      throw error
    }
    return { temporary, size, md5sum: hash.digest('base64') }
  }

  /** Forgets an upload that will not be put in place. */
  discard(temporary: string): void {
    growing.delete(temporary)
    rmSync(temporary, { force: true })
  }

  /** Puts an upload at a free place. @throws ApiError 409 when something appeared there in the meantime */
  place(temporary: string, components: readonly string[]): void {
    if (!this.isFree(components)) throw occupied(components)
    const target = this.path(components)
    growing.delete(temporary)
    try {
      // A link fails where a rename would silently replace.
      linkSync(temporary, target)
      unlinkSync(temporary)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') throw occupied(components)
      if (code === 'ENAMETOOLONG')
        throw new ApiError(422, 'Invalid Parameter', 'The path is too long for this disk', { parameter: 'name' })
      // File systems without hard links (exFAT, some network ones).
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS' && code !== 'EMLINK')
        throw error
      renameSync(temporary, target)
    }
  }

  /** Puts an upload over a file of ours. */
  replace(temporary: string, components: readonly string[]): void {
    growing.delete(temporary)
    renameSync(temporary, this.path(components))
  }

  /** @throws ApiError 409 when the new place is taken */
  move(from: readonly string[], to: readonly string[]): void {
    if (!this.isFree(to)) throw occupied(to)
    renameSync(this.path(from), this.path(to))
  }

  makeDirectory(components: readonly string[]): void {
    if (!this.isFree(components)) throw occupied(components)
    mkdirSync(this.path(components))
  }

  removeFile(components: readonly string[]): void {
    rmSync(this.path(components), { force: true })
  }

  /** Removes an empty directory. */
  removeDirectory(components: readonly string[]): void {
    rmdirSync(this.path(components))
  }

  names(components: readonly string[]): string[] {
    return readdirSync(this.path(components))
  }

  /** @param part first and last byte; default all */
  read(components: readonly string[], part: { start?: number; end?: number } = {}): Readable {
    return createReadStream(this.path(components), part)
  }

  /** As `md5sum`, for the few times when nothing else may happen meanwhile. */
  md5sumNow(components: readonly string[]): string {
    const hash = createHash('md5')
    const fd = openSync(this.path(components), 'r')
    try {
      const chunk = Buffer.alloc(1024 * 1024)
      for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk)) hash.update(chunk.subarray(0, read))
    } finally {
      closeSync(fd)
    }
    return hash.digest('base64')
  }

  async md5sum(components: readonly string[]): Promise<string> {
    const hash = createHash('md5')
    for await (const chunk of this.read(components)) hash.update(chunk as Uint8Array)
    return hash.digest('base64')
  }

  #removeUploadsOfTheDead(alone: boolean): void {
    for (const name of readdirSync(this.root)) {
      const pid = Number(UPLOAD_NAME.exec(name)?.[1])
      const path = join(this.root, name)
      // Our own id too: in a container every run may have the same one.
      if (pid && !growing.has(path) && (alone || !isOtherProcessAlive(pid))) rmSync(path, { force: true })
    }
  }
}

/** The chunks of a body, until the signal: a source that sends nothing any more must not keep us waiting. */
async function* interruptible(
  body: AsyncIterable<Uint8Array> | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (!body) return
  signal?.throwIfAborted()
  const iterator = body[Symbol.asyncIterator]()
  let interrupt: (reason: unknown) => void = () => undefined
  const onAbort = () => interrupt(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  let whole = false
  try {
    while (!whole) {
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        interrupt = reject
        iterator.next().then(resolve, reject)
      })
      whole = next.done === true
      if (!next.done) yield next.value
      signal?.throwIfAborted()
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // Not awaited: a source that is stuck would never answer.
    if (!whole) iterator.return?.()?.then(undefined, () => undefined)
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // What counts is why the upload failed.
  }
}

function occupied(components: readonly string[]): ApiError {
  return fileConflict(
    `/${components.join('/')} exists on this disk and was not made by this stack, or lies behind a symbolic link: it is left alone. Move it away, or use another name.`,
  )
}
