import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * What builds keep for the next one: `node_modules/.cache/konnectory/`, where tools put such files and `.gitignore`
 * already covers them. Only a matter of time: everything in it can be made again.
 */
export interface DiskCache {
  /** @returns undefined when it is not there */
  read(name: string): Promise<string | undefined>
  /** A folder that cannot be written (a global installation, a read-only mount) keeps nothing; that is no error. */
  write(name: string, text: string): Promise<void>
}

/**
 * @param places where to look, in order of preference
 * @returns the cache of the nearest `node_modules` at or above a place; one that holds nothing when there is none
 */
export function diskCache(...places: string[]): DiskCache {
  const modules = places.map(nearestModules).find(one => one !== undefined)
  if (!modules) return { read: async () => undefined, write: async () => {} }
  const folder = join(modules, '.cache', 'konnectory')
  return {
    read: name => readFile(join(folder, name), 'utf8').catch(() => undefined),
    async write(name, text) {
      // Beside and moved in place: another build may read it now.
      const beside = join(folder, `${name}.${randomBytes(4).toString('hex')}`)
      try {
        await mkdir(folder, { recursive: true })
        await writeFile(beside, text)
        await rename(beside, join(folder, name))
      } catch {
        await rm(beside, { force: true }).catch(() => {})
      }
    },
  }
}

/** The nearest folder called `node_modules` that is, or lies beside, a folder above `from`. */
export function nearestModules(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const modules = /[\\/]node_modules$/.test(folder) ? folder : join(folder, 'node_modules')
    if (statSync(modules, { throwIfNoEntry: false })?.isDirectory()) return modules
    if (dirname(folder) === folder) return undefined
  }
}
