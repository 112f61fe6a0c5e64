import type { RunSql } from '#ground/documents/sql'
import { onPool } from '#ground/documents/sql'
import type { Ground } from '#ground/ground'
import { badRequest, notThere } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { presentDirectory, presentFile, presentList, type VersionEntry } from '../present.ts'
import { type DirectoryEntry, type Entry, FILES, type FileEntry, VERSIONS } from '../record.ts'
import { contentsPage, type PageOfContents, readContents } from './contents.ts'
import { absolutePath, type Query } from './page-query.ts'
import { createThumbnailSecrets, type ThumbnailSecrets } from './thumbnail-secrets.ts'
import { bytesBelow, cannotBe, childAt, directoryAt, toEntry } from './tree-store.ts'

export const noSuchEntry = () => notThere('file does not exist')

/** Looks files and directories up and puts answers together; asks for no permission. */
export interface Reader {
  run: RunSql
  secrets: ThumbnailSecrets
  /** Undefined for an unknown or destroyed one. */
  byId(tenant: Tenant, id: string): Promise<Entry | undefined>
  /** @throws JsonApiError 404 */
  mustById(tenant: Tenant, id: string): Promise<Entry>
  /** @param path absolute; `.`, `..` and doubled slashes are resolved. @throws JsonApiError 400 for a relative one, 404 */
  mustByPath(tenant: Tenant, path: string): Promise<Entry>
  /** Old contents of a file, oldest first. */
  versionsOf(tenant: Tenant, id: string): Promise<VersionEntry[]>
  /** @throws JsonApiError 404; also for a version of another file */
  mustVersion(tenant: Tenant, file: FileEntry, version: string): Promise<VersionEntry>
  /** Path of each entry, by id. A file whose parent is gone has none. */
  pathsOf(tenant: Tenant, entries: Entry[]): Promise<Map<string, string>>
  /**
   * The answer of a single GET, also of a PUT, PATCH or restoration: a file with its versions, a directory with the page of
   * its children that the query asks for. @throws JsonApiError 400 for a page that is none
   */
  show(tenant: Tenant, entry: Entry, query?: Query): Promise<object>
  /** A page of a directory as a list. @param path of the list's own link. @throws JsonApiError 400 on a file */
  listContents(tenant: Tenant, entry: Entry, query: Query, path: string): Promise<object>
  /** Bytes of a file, or of all files below a directory. */
  sizeOf(tenant: Tenant, entry: Entry): Promise<bigint>
}

export function createReader(ground: Ground): Reader {
  const run = onPool(ground.database.driver)
  const secrets = createThumbnailSecrets(ground)
  const documents = (tenant: Tenant) => ground.documents.of(tenant)

  const byId: Reader['byId'] = async (tenant, id) => {
    if (cannotBe(id)) return undefined
    const document = await documents(tenant).get(FILES, id)
    return document && !document.deleted ? toEntry(document) : undefined
  }

  const mustByPath: Reader['mustByPath'] = async (tenant, given) => {
    const path = absolutePath(given)
    const at = path.lastIndexOf('/')
    const entry =
      path === '/'
        ? await directoryAt(run, tenant.id, '/')
        : await childAt(run, tenant.id, path.slice(0, at) || '/', path.slice(at + 1))
    if (!entry) throw noSuchEntry()
    return entry
  }

  const versionsOf: Reader['versionsOf'] = async (tenant, id) => {
    // `0` follows `/`: all ids that begin with `<id>/`.
    const found = await documents(tenant).list(VERSIONS, {
      startKey: `${id}/`,
      endKey: `${id}0`,
      inclusiveEnd: false,
    })
    const versions = found.map(document => toEntry(document) as unknown as VersionEntry)
    return versions.sort((a, b) => a.updated_at.localeCompare(b.updated_at) || a._id.localeCompare(b._id))
  }

  return {
    run,
    secrets,
    byId,
    async mustById(tenant, id) {
      const entry = await byId(tenant, id)
      if (!entry) throw noSuchEntry()
      return entry
    },
    mustByPath,
    versionsOf,
    async mustVersion(tenant, file, version) {
      const document = cannotBe(version) ? undefined : await documents(tenant).get(VERSIONS, `${file._id}/${version}`)
      if (!document || document.deleted) throw noSuchEntry()
      return toEntry(document) as unknown as VersionEntry
    },
    async pathsOf(tenant, entries) {
      const parentIds = [...new Set(entries.flatMap(entry => (entry.type === 'file' ? [entry.dir_id] : [])))]
      const found = await documents(tenant).getMany(FILES, parentIds)
      const parents = new Map(
        found.flatMap(parent => (parent && !parent.deleted ? [[parent.id, toEntry(parent) as DirectoryEntry]] : [])),
      )
      const paths = entries.flatMap((entry): [string, string][] => {
        if (entry.type === 'directory') return [[entry._id, entry.path]]
        const parent = parents.get(entry.dir_id)
        return parent ? [[entry._id, joinPath(parent.path, entry.name)]] : []
      })
      return new Map(paths)
    },
    async show(tenant, entry, query = {}) {
      const page = entry.type === 'directory' ? contentsPage(query) : undefined
      const sign = await secrets.signer(tenant)
      if (entry.type === 'file') {
        return presentFile(entry, { sign, versions: await versionsOf(tenant, entry._id) })
      }
      return presentDirectory(entry, { sign, page: await readContents(run, tenant.id, entry, page as PageOfContents) })
    },
    async listContents(tenant, entry, query, path) {
      if (entry.type === 'file') throw badRequest('a file has no contents of this kind: it is not a directory')
      const [page, sign] = await Promise.all([
        readContents(run, tenant.id, entry, contentsPage(query)),
        secrets.signer(tenant),
      ])
      return presentList(page.children, { sign, count: page.total, next: page.next && `${path}?${page.next}` })
    },
    sizeOf: async (tenant, entry) =>
      entry.type === 'file' ? BigInt(entry.size) : bytesBelow(run, tenant.id, entry.path),
  }
}

export const joinPath = (parent: string, name: string) => (parent === '/' ? `/${name}` : `${parent}/${name}`)
