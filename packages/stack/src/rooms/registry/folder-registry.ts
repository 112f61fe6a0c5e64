import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { normaliseManifest } from '@konnectory/protocol'
import { type FileToPack, LIMITS, packTar, readFolder, safePath } from './archive/index.ts'
import type { Asset, RegistryClient } from './client.ts'
import { isObject, type RegistryObject } from './documents.ts'
import { Unreachable } from './net/resolve-host.ts'

/** A built konnector of the folder. */
interface Built {
  folder: string
  slug: string
  version: string
  manifest: RegistryObject
  createdAt: string
}

const MANIFEST = 'manifest.konnector'
/** A scan of some hundred konnectors takes some ten milliseconds; what was built is there a moment later. */
const REMEMBERED_MS = 1_000

/**
 * A folder of built konnectors as a registry, each in a folder of its own or in `build/` below it, each with one version: the
 * one of its manifest, on every channel. What has no valid manifest, or no `index.js` to run, is not there.
 */
export function createFolderRegistry(folder: string, clock: { now(): Date }): RegistryClient {
  let scanned: { at: number; found: Promise<Map<string, Built>> } | undefined
  const archives = new Map<string, { mark: string; archive: Buffer; sha256: string }>()

  const all = (): Promise<Map<string, Built>> => {
    const now = clock.now().getTime()
    if (!scanned || now - scanned.at >= REMEMBERED_MS || now < scanned.at) scanned = { at: now, found: scan(folder) }
    return scanned.found
  }
  const find = async (slug: string) => (await all()).get(slug)

  /** Packed again only when a file changed. */
  const packed = async ({ slug, folder: place }: Built) => {
    const files: FileToPack[] = []
    const hash = createHash('sha256')
    await readFolder(place, LIMITS, async (path, size, content) => {
      const parts: Buffer[] = []
      for await (const part of content) parts.push(part)
      files.push({ path: `${slug}/${path}`, content: Buffer.concat(parts) })
      hash.update(`${path}\0${size}\0`).update(files.at(-1)!.content)
    })
    const mark = hash.digest('hex')
    const known = archives.get(slug)
    if (known?.mark === mark) return known
    const archive = packTar(files)
    const made = { mark, archive, sha256: createHash('sha256').update(archive).digest('hex') }
    archives.set(slug, made)
    return made
  }

  const versionOf = async (built: Built): Promise<RegistryObject> => {
    const { archive, sha256 } = await packed(built)
    const { slug, version, manifest, createdAt } = built
    return {
      slug,
      editor: manifest.editor,
      type: 'konnector',
      version,
      manifest: { ...manifest, slug },
      created_at: createdAt,
      // Relative: where an instance shows it, it is below its own address.
      url: `registry/${slug}/${version}/tarball/${slug}-${version}.tar.gz`,
      size: String(archive.length),
      sha256,
      tar_prefix: slug,
    }
  }
  const versionsOf = ({ version }: Built): RegistryObject => ({
    has_versions: true,
    stable: [version],
    beta: [version],
    dev: [version],
  })
  const applicationOf = async (built: Built): Promise<RegistryObject> => ({
    slug: built.slug,
    type: 'konnector',
    editor: built.manifest.editor,
    created_at: built.createdAt,
    label: 5,
    data_usage_commitment: 'none',
    data_usage_commitment_by: 'none',
    versions: versionsOf(built),
    latest_version: await versionOf(built),
  })

  return {
    name: folder,
    application: async slug => mapped(await find(slug), applicationOf),
    versions: async slug => mapped(await find(slug), versionsOf),
    latest: async slug => mapped(await find(slug), versionOf),
    async version(slug, version) {
      const built = await find(slug)
      return built?.version === version ? versionOf(built) : undefined
    },
    async list({ limit, cursor = '0', sort = 'slug', filter }) {
      const from = /^\d{1,9}$/.test(cursor) ? Number(cursor) : 0
      const matching = [...(await all()).values()].filter(built => matches(built, filter))
      const key = sort.replace(/^-/, '')
      const value = (built: Built) =>
        String(
          { slug: built.slug, type: 'konnector', editor: built.manifest.editor, created_at: built.createdAt }[key] ??
            built.slug,
        )
      matching.sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0))
      if (sort.startsWith('-')) matching.reverse()
      const page = matching.slice(from, from + limit)
      const data = await Promise.all(page.map(applicationOf))
      return { data, nextCursor: from + limit < matching.length ? String(from + limit) : undefined }
    },
    slugs: async () => [...(await all()).keys()],
    maintenance: async () => [],
    async asset(slug, path): Promise<Asset | undefined> {
      const built = await find(slug)
      const file = built && assetOf(built, path)
      if (!built || file === undefined) return undefined
      const bytes = await readIfThere(join(built.folder, file))
      return bytes && { bytes, type: '' }
    },
    async archive(slug) {
      const built = await find(slug)
      if (!built) throw new Unreachable(`${slug} is no longer in the folder of konnectors`)
      return (await packed(built)).archive
    },
  }
}

async function mapped<T>(built: Built | undefined, show: (built: Built) => T): Promise<Awaited<T> | undefined> {
  return built && (await show(built))
}

function matches({ slug, manifest }: Built, filter: Record<string, string>): boolean {
  const names = (text: string) => text.split(',')
  if (filter.type !== undefined && filter.type !== 'konnector') return false
  if (filter.editor !== undefined && filter.editor !== manifest.editor) return false
  if (filter.select !== undefined && !names(filter.select).includes(slug)) return false
  return filter.reject === undefined || !names(filter.reject).includes(slug)
}

/** The file of an asset, below the konnector's folder. Only what the manifest shows is given. */
function assetOf({ manifest, version }: Built, path: string): string | undefined {
  const parts = path.split('/')
  if (parts[0] === version) parts.shift()
  else if (parts[1] === 'latest') parts.splice(0, 2)
  const [kind = '', ...rest] = parts
  const partnership = isObject(manifest.partnership) ? manifest.partnership.icon : undefined
  const named = { icon: manifest.icon, partnership_icon: partnership }[kind]
  if (named !== undefined) return typeof named === 'string' && rest.length === 0 ? below(named) : undefined
  if (kind !== 'screenshots' || !Array.isArray(manifest.screenshots)) return undefined
  const wanted = rest.join('/')
  const shown: unknown[] = manifest.screenshots
  const found = shown.find(name => typeof name === 'string' && (name === wanted || basename(name) === wanted))
  return typeof found === 'string' ? below(found) : undefined
}

function below(name: string): string | undefined {
  try {
    return safePath(name.replace(/^\/+/, ''))
  } catch {
    return undefined // A name that leads elsewhere is the name of nothing.
  }
}

async function scan(folder: string): Promise<Map<string, Built>> {
  const found = new Map<string, Built>()
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    throw new Unreachable(`The folder of konnectors ${folder} cannot be read`, { cause })
  })
  for (const { name } of entries.filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))) {
    const built = (await readBuilt(join(folder, name, 'build'))) ?? (await readBuilt(join(folder, name)))
    if (built && !found.has(built.slug)) found.set(built.slug, built)
  }
  return found
}

async function readBuilt(folder: string): Promise<Built | undefined> {
  const text = await readIfThere(join(folder, MANIFEST))
  const runs = await stat(join(folder, 'index.js')).then(
    file => file.isFile(),
    () => false, // Not there: not built.
  )
  if (!text || !runs) return undefined
  let raw: unknown
  try {
    raw = JSON.parse(text.toString('utf8'))
  } catch {
    return undefined // Being written, or broken: its author is told by `konnectory build`.
  }
  const { manifest, diagnostics } = normaliseManifest(raw)
  if (!isObject(raw) || diagnostics.some(({ severity }) => severity === 'error')) return undefined
  const { mtime } = await stat(join(folder, MANIFEST))
  return { folder, slug: manifest.slug, version: manifest.version, manifest: raw, createdAt: mtime.toISOString() }
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
