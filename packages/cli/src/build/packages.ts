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

/**
 * Bytes of each package in the scripts, largest first; the author's own code is `'your code'`. esbuild counts before
 * the script is made small: shares of `total`, the real size, are what is told.
 */
export function packageSizes(parts: readonly { metafile: Metafile; root: string }[], total: number): PackageSize[] {
  const sizes = new Map<string, number>()
  for (const { metafile, root } of parts) {
    const originOf = originFinder(root)
    for (const [input, { bytesInOutput }] of Object.values(metafile.outputs).flatMap(one =>
      Object.entries(one.inputs),
    )) {
      if (bytesInOutput === 0) continue
      const glue = /^(konnectory|builtin)[a-z-]*:|^vendor\.cjs$/.test(input)
      const name = glue ? 'konnectory' : originOf(input).package || 'your code'
      sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput)
    }
  }
  const counted = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
  return [...sizes]
    .map(([name, bytes]) => ({ name, bytes: Math.round((bytes / counted) * total) }))
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
}

export interface PackageSize {
  name: string
  bytes: number
}
