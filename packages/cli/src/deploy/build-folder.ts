import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { UNUSABLE } from '../build/build.ts'
import { formatDiagnostic, ManifestError, readProjectManifest } from '../project/manifest.ts'
import { UsageError } from '../terminal/output.ts'

/** One file to deploy. */
export interface BuiltFile {
  /** Relative to the build, with "/". */
  path: string
  /** Absolute. */
  source: string
  executable: boolean
  bytes: number
}

export interface Built {
  slug: string
  version: string
  files: BuiltFile[]
  /** Remarks on the manifest that do not keep a server from running it. */
  warnings: string[]
}

/**
 * What is in the build, when a server could run it.
 * @param folder absolute
 * @param shown the folder as the author calls it
 * @throws UsageError when it is not there, is empty, has no `index.js` or no usable manifest, or holds what git or a server
 *   would not take: symbolic links, `.git`
 */
export async function readBuild(folder: string, shown: string): Promise<Built> {
  const files = await listBuilt(folder, shown)
  if (files.length === 0) throw new UsageError(`${shown} is empty. Run konnectory build first.`)
  for (const name of ['manifest.konnector', 'index.js']) {
    if (!files.some(({ path }) => path === name)) {
      throw new UsageError(`${shown} has no ${name}: it is not the build of a konnector. Run konnectory build first.`)
    }
  }
  try {
    const { manifest, diagnostics } = readProjectManifest(folder)
    const faults = diagnostics.filter(({ code }) => UNUSABLE.has(code))
    if (faults.length > 0) throw new ManifestError('', faults)
    return { slug: manifest.slug, version: manifest.version, files, warnings: diagnostics.map(formatDiagnostic) }
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    const reasons = error.diagnostics.map(one => `  ${formatDiagnostic(one)}`)
    throw new UsageError(
      [`The manifest in ${shown} is not valid. Correct manifest.konnector and run konnectory build:`, ...reasons].join(
        '\n',
      ),
    )
  }
}

async function listBuilt(folder: string, shown: string): Promise<BuiltFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw new UsageError(`There is no ${shown}. Run konnectory build first.`)
      if (error.code === 'ENOTDIR') throw new UsageError(`${shown} is not a folder.`)
      throw error
    },
  )
  const found: BuiltFile[] = []
  for (const entry of entries) {
    const source = join(entry.parentPath, entry.name)
    const path = relative(folder, source).split(sep).join('/')
    const refuse = (why: string) => new UsageError(`${shown}${path} ${why}. Nothing was deployed.`)
    if (/[\n\r]/.test(entry.name)) throw refuse('has a line end in its name')
    if (entry.name.toLowerCase() === '.git') throw refuse('belongs to git, which refuses that name')
    if (entry.isDirectory()) continue
    if (entry.isSymbolicLink()) {
      throw refuse('is a symbolic link: a server refuses archives with links. Put the file itself there')
    }
    if (!entry.isFile()) throw refuse('is not a file')
    const { mode, size } = await stat(source)
    found.push({ path, source, executable: process.platform !== 'win32' && (mode & 0o100) !== 0, bytes: size })
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** @returns whether the two are the same bytes; false when either is not there */
export async function sameContent(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map(path => readFile(path).catch(absent)))
  return a !== undefined && b !== undefined && a.equals(b)
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
