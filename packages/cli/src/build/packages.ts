import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { Metafile } from 'esbuild'

/** Where a bundled file comes from: a package, or the author (`package: ''`). */
export interface Origin {
  package: string
  /** Path inside the package, or below the konnector's folder; forward slashes. */
  file: string
}

/** Tells origins of metafile inputs (paths relative to `root`); looks each folder up once. */
export function originFinder(root: string): (input: string) => Origin {
  const owners = new Map<string, { name: string; dir: string } | undefined>()

  const ownerOf = (dir: string): { name: string; dir: string } | undefined => {
    if (owners.has(dir)) return owners.get(dir)
    const path = join(dir, 'package.json')
    const name: unknown = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).name : undefined
    const parent = dirname(dir)
    const owner = typeof name === 'string' ? { name, dir } : parent === dir ? undefined : ownerOf(parent)
    owners.set(dir, owner)
    return owner
  }

  return input => {
    const inModules = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(input)
    if (inModules) return { package: inModules[1] ?? '', file: inModules[2] ?? '' }
    if (!input.startsWith('..')) return { package: '', file: input }
    const path = resolve(root, input)
    const owner = ownerOf(dirname(path))
    if (!owner) return { package: '', file: path.slice(path.lastIndexOf(sep) + 1) }
    return { package: owner.name, file: relative(owner.dir, path).split(sep).join('/') }
  }
}

/** Bytes of each package in the scripts, largest first; the author's own code is `'your code'`. */
export function packageSizes(metafile: Metafile, root: string): { name: string; bytes: number }[] {
  const originOf = originFinder(root)
  const sizes = new Map<string, number>()
  for (const output of Object.values(metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      if (bytesInOutput === 0) continue
      const name = /^konnectory:|^builtin:/.test(input) ? 'konnectory (glue)' : originOf(input).package || 'your code'
      sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput)
    }
  }
  return [...sizes]
    .map(([name, bytes]) => ({ name, bytes }))
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
}
