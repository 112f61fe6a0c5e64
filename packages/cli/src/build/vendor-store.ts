import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { diskCache, nearestModules } from './disk-cache.ts'
import { compileVendor, type Vendor } from './vendor.ts'

/**
 * The heavy modules compiled, without compiling them for each build: half of a build's work. Looked for in this order:
 * made by this process before (`--watch`); made when this package was packed, out of the same versions; made by an
 * earlier build, out of the same files.
 */

/** Written by `scripts/pack.ts` next to this module. Not there in the repository. */
const PACKED = fileURLToPath(new URL('./vendor.json', import.meta.url))
const SELF = dirname(fileURLToPath(import.meta.url))

/** What is stored: the text, and the versions or the files that it was made of. */
interface Stored {
  /** Path below `node_modules` → version, of the packages that are not ours: ours are published together. */
  packages: Record<string, string>
  /** Path → size and time of the last change (not of writing: npm sets that to 1985). */
  files?: Record<string, string>
  /** A `Vendor`, without what nobody reads of its metafile. */
  vendor: Vendor
}

const made = new Map<string, Promise<Vendor>>()

/** @see compileVendor, which this answers for */
export function provideVendor(from: string, httpSignature: boolean): Promise<Vendor> {
  const key = `${httpSignature} ${from}`
  const before = made.get(key)
  if (before) return before
  const vendor = provide(from, httpSignature)
  made.set(key, vendor)
  vendor.catch(() => made.delete(key))
  return vendor
}

async function provide(from: string, httpSignature: boolean): Promise<Vendor> {
  const packed = httpSignature ? undefined : await readStored(await readFile(PACKED, 'utf8').catch(() => undefined))
  if (packed && fits(packed, from, versionIn(resolve(SELF, '..', '..')))) return { ...packed.vendor, root: from }
  const cache = diskCache(from)
  const name = `vendor-${createHash('sha256').update(`${httpSignature} ${from} ${SELF}`).digest('hex').slice(0, 16)}.json`
  const kept = await readStored(await cache.read(name))
  if (kept && isUnchanged(kept)) return kept.vendor
  const vendor = await compileVendor(from, httpSignature)
  await cache.write(name, JSON.stringify({ ...describe(vendor), files: filesOf(vendor) }))
  return vendor
}

/**
 * For `scripts/pack.ts`: the content of `vendor.json`.
 * @param from folder of the libraries' sources
 */
export async function packVendor(from: string): Promise<string> {
  const stored = describe(await compileVendor(from, false))
  // Nothing of the machine that packs.
  return JSON.stringify({ ...stored, vendor: { ...stored.vendor, root: '' } })
}

function describe(vendor: Vendor): Stored {
  const modules = nearestModules(vendor.root)
  const packages: Record<string, string> = {}
  for (const folder of modules ? packageFolders(vendor) : [])
    packages[relative(modules!, folder).split(sep).join('/')] = versionIn(folder) ?? ''
  const outputs = Object.entries(vendor.metafile.outputs).map(([path, { inputs, bytes }]) => [
    path,
    { inputs, bytes, imports: [], exports: [] },
  ])
  return { packages, vendor: { ...vendor, metafile: { inputs: {}, outputs: Object.fromEntries(outputs) } } }
}

/** Folders of the installed packages in it: below `node_modules`, ours left out. */
function packageFolders({ root, metafile }: Vendor): Set<string> {
  const folders = new Set<string>()
  for (const input of Object.keys(metafile.inputs)) {
    const found = /^(.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/]/.exec(resolve(root, input))
    if (found?.[1] && !found[2]?.startsWith('@konnectory')) folders.add(found[1])
  }
  return folders
}

/**
 * True when what was packed is what would be compiled: the libraries are those this package was packed with, and the
 * other packages are installed in the same versions at the same places.
 * @param from folder of the libraries that ask
 * @param version our own
 */
export function fits({ packages }: Pick<Stored, 'packages'>, from: string, version: string | undefined): boolean {
  const modules = nearestModules(from)
  if (!modules || version === undefined || versionIn(dirname(from)) !== version) return false
  return Object.entries(packages).every(([path, expected]) => versionIn(join(modules, path)) === expected)
}

function versionIn(folder: string): string | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
  } catch {
    return undefined
  }
}

/** Everything that decides what comes out: the inputs, their package.json, the record of the last installation, and us. */
function filesOf(vendor: Vendor): Record<string, string> {
  const modules = nearestModules(vendor.root)
  const paths = [
    ...Object.keys(vendor.metafile.inputs).map(input => resolve(vendor.root, input)),
    ...[...packageFolders(vendor)].map(folder => join(folder, 'package.json')),
    ...(modules ? [join(modules, '.package-lock.json'), join(modules, '.yarn-integrity')] : []),
    ...['vendor', 'vendor-store'].flatMap(name => [join(SELF, `${name}.ts`), join(SELF, `${name}.js`)]),
  ]
  return Object.fromEntries(paths.map(path => [path, stateOf(path)]))
}

function isUnchanged({ files }: Stored): boolean {
  return files !== undefined && Object.entries(files).every(([path, state]) => stateOf(path) === state)
}

function stateOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  return found ? `${found.size} ${found.ctimeMs}` : 'absent'
}

/** A damaged file is one that is not there. */
async function readStored(text: string | undefined): Promise<Stored | undefined> {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Stored
  } catch {
    return undefined
  }
}
