import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { BuildError } from './problem.ts'

/** Files that systems and editors leave behind: never part of a build. */
const JUNK = new Set(['.DS_Store', 'Thumbs.db', '.gitkeep', '.gitignore'])

/**
 * Makes `outdir` out of what `fill` writes, all or nothing: it is filled beside and moved in place at the end. After an
 * error nothing is there, not even what an earlier build left: `deploy` would publish it.
 * @param root folder of the konnector; `outdir` must not hold it
 * @throws BuildError when `outdir` is not a folder a build may empty; whatever `fill` throws
 */
export async function replaceFolder<T>(root: string, outdir: string, fill: (folder: string) => Promise<T>): Promise<T> {
  await refuseForeign(root, outdir)
  await mkdir(dirname(outdir), { recursive: true })
  const folder = await mkdtemp(join(dirname(outdir), `.${basename(outdir)}-`))
  try {
    const result = await fill(folder)
    // A temporary folder is its maker's alone; a server may run the build as somebody else.
    await chmod(folder, 0o755)
    await rm(outdir, { recursive: true, force: true })
    await rename(folder, outdir)
    return result
  } catch (error) {
    await rm(outdir, { recursive: true, force: true })
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A build empties its folder first: it must not be one that holds anything else. */
async function refuseForeign(root: string, outdir: string): Promise<void> {
  if (resolve(root) === outdir || resolve(root).startsWith(outdir + sep)) {
    throw new BuildError([{ text: `The output folder ${outdir} holds the konnector itself. Name another one.` }])
  }
  const files = await readdir(outdir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const ours = files.length === 0 || files.includes('manifest.konnector') || files.includes('index.js')
  if (!ours && outdir !== join(root, 'build')) {
    const text = `The output folder ${outdir} holds other files and would be emptied. Remove them or name another one.`
    throw new BuildError([{ text }])
  }
}

/** Copies the content of `assets/`, when there is one, to the root of the build. */
export async function copyAssets(root: string, folder: string): Promise<void> {
  const assets = join(root, 'assets')
  if (!(await isDirectory(assets))) return
  await cp(assets, folder, { recursive: true, filter: path => !JUNK.has(basename(path)), dereference: true })
}

/** Every file below a folder with its size, sorted by path. */
export async function listFiles(folder: string): Promise<{ path: string; bytes: number }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
  return Promise.all(
    files.map(async path => ({ path: relative(folder, path).split(sep).join('/'), bytes: (await stat(path)).size })),
  )
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return found?.isDirectory() === true
}
