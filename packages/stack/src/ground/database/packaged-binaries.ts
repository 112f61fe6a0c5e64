import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, extname, join, normalize, relative } from 'node:path'
import type { Binaries } from './binaries.ts'
import { canExecute, handsOver, ownedDirectory, type ServiceUser } from './service-user.ts'
import { DatabaseStartError, hasCode } from './start-error.ts'

interface Link {
  source: string
  target: string
}

/**
 * Makes binaries from npm usable for the service user. A tarball carries no symbolic links; the package lists them, and its
 * install script would make them, which we never run (storage.md §6.2). Where the package is not ours to complete, or lies
 * where the service user cannot read (under /root), a copy in the data directory serves (§6.4).
 * @param cache folder for the copy; made only when needed
 * @returns the binaries to start
 */
export function usableBinaries(binaries: Binaries, user: ServiceUser, cache: string): Binaries {
  const { packaged } = binaries
  if (!packaged) {
    assertExecutable(binaries, user)
    return binaries
  }
  if (completeLinks(packaged) && (!handsOver(user) || canExecute(join(packaged, 'bin/postgres'), user))) return binaries
  const folder = join(cache, `postgresql-${binaries.version}-${process.platform}-${process.arch}`)
  if (!existsSync(folder)) copyTo(packaged, folder, user, cache)
  return { ...binaries, bin: join(folder, 'bin'), packaged: folder }
}

function assertExecutable({ bin }: Binaries, user: ServiceUser): void {
  if (!handsOver(user) || canExecute(join(bin, 'postgres'), user)) return
  throw new DatabaseStartError(
    'binaries_unusable',
    `The database runs as uid ${user.uid} (PostgreSQL does not run as root), who may not execute ${join(bin, 'postgres')}. ` +
      'Put these programs where everybody can read them, or start Konnectory as their owner.',
  )
}

/** @returns false when links are missing and cannot be made here */
function completeLinks(packaged: string): boolean {
  try {
    for (const { source, target } of listedLinks(packaged)) link(packaged, source, target)
    return true
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC')) return false
    throw error
  }
}

function link(packaged: string, source: string, target: string): void {
  const path = join(packaged, target)
  const to = relative(dirname(path), join(packaged, source))
  try {
    symlinkSync(to, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    // A file in a link's place is as good; a link that leads elsewhere is not (a package upgraded in place).
    if (!lstatSync(path).isSymbolicLink() || readlinkSync(path) === to || existsSync(path)) return
    rmSync(path)
    symlinkSync(to, path)
  }
}

/** The package's own list, with paths that start at its root: `native/lib/libpq.so.5`. */
function listedLinks(packaged: string): Link[] {
  const file = join(packaged, 'pg-symlinks.json')
  if (!existsSync(file)) return []
  const below = basename(packaged)
  const listed: Link[] = JSON.parse(readFileSync(file, 'utf8'))
  return listed.map(({ source, target }) => ({ source: inside(below, source), target: inside(below, target) }))
}

/** `native/lib/x` as `lib/x`; a list that reaches outside is not followed. */
function inside(below: string, path: string): string {
  const clean = relative('native', normalize(path))
  if (clean.startsWith('..')) throw new Error(`pg-symlinks.json of ${below} names ${path}, outside of the package`)
  return clean
}

/** Copied aside, then renamed: a copy that a crash cut short is never taken for a whole one. Without what only compilers need. */
function copyTo(packaged: string, folder: string, user: ServiceUser, cache: string): void {
  ownedDirectory(cache, user, 0o755)
  const aside = mkdtempSync(join(cache, '.copying-'))
  try {
    cpSync(packaged, aside, {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
      filter: path => extname(path) !== '.a' && basename(path) !== 'pkgconfig' && basename(path) !== 'include',
    })
    if (!completeLinks(aside)) throw new Error(`no links can be made in ${aside}`)
    openToAll(aside)
    renameSync(aside, folder)
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    throw error
  }
}

/** Readable for everybody, writable for nobody else, whatever the umask was when npm unpacked. */
function openToAll(path: string): void {
  const found = lstatSync(path)
  if (found.isSymbolicLink()) return
  chmodSync(path, found.isDirectory() || found.mode & 0o100 ? 0o755 : 0o644)
  if (found.isDirectory()) for (const entry of readdirSync(path)) openToAll(join(path, entry))
}
