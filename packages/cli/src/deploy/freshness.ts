import { readdir, stat } from 'node:fs/promises'
import { dirname, extname, join, relative, sep } from 'node:path'
import { EntryError, findEntry } from '../project/entry.ts'
import { sameContent } from './build-folder.ts'

const SCRIPTS = new Set(['.ts', '.mts', '.js', '.mjs', '.cjs', '.json'])

/**
 * Looks for a source that was changed after the build was made: a file of `src/`, of `assets/` or of the folder of the
 * script, or the manifest. Dependencies are not looked at: installing the same ones again changes their time.
 * @returns its path relative to `root`; undefined when the build is of now
 */
export async function newerSource(root: string, build: string): Promise<string | undefined> {
  const made = (await stat(join(build, 'index.js'))).mtimeMs
  const manifest = join(root, 'manifest.konnector')
  const isNewer = async (path: string) => (await stat(path)).mtimeMs > made
  if ((await exists(manifest)) && !(await sameContent(manifest, join(build, 'manifest.konnector')))) {
    // A script of the author may complete the manifest of the build: then only the time tells.
    if (await isNewer(manifest)) return 'manifest.konnector'
  }
  for (const path of await sources(root, build)) if (await isNewer(path)) return relative(root, path)
  return undefined
}

async function sources(root: string, build: string): Promise<string[]> {
  const folders = new Set([join(root, 'src'), join(root, 'assets')])
  const own: string[] = []
  const entry = entryOf(root)
  if (entry && dirname(entry) === root) {
    const names = await readdir(root, { withFileTypes: true })
    const scripts = names.filter(one => one.isFile() && /^(index|konnector)\./.test(one.name))
    own.push(entry, ...scripts.map(({ name }) => join(root, name)).filter(path => SCRIPTS.has(extname(path))))
  } else if (entry) folders.add(dirname(entry))
  for (const folder of folders) {
    if (!(await exists(folder))) continue
    for (const one of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(one.parentPath, one.name)
      const foreign = path.startsWith(build + sep) || relative(root, path).split(sep).includes('node_modules')
      if (one.isFile() && !foreign) own.push(path)
    }
  }
  return own
}

/** A build may come from elsewhere: then there is no script to compare with. */
function entryOf(root: string): string | undefined {
  try {
    return findEntry(root)
  } catch (error) {
    if (error instanceof EntryError) return undefined
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  return found !== undefined
}
