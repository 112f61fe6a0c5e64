import { isStatus } from '@konnectory/client'
import type { FileDocument } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'
import { canonicalKey } from './file-key.ts'
import { findFiles } from './find-with-index.ts'
import { metadataOf } from './replacement.ts'

/**
 * Up to here each entry asks for its own file, above everything is listed at once. A konnector that saves bill by bill
 * would otherwise list all its files again for each bill.
 */
export const FEW_ENTRIES = 10

/** What is already stored, as far as one call of saveFiles needs to know. Every question is asked once. */
export interface KnownFiles {
  /** Files of this konnector and account identifier that carry one of these forms of a key, wherever they are. */
  byKey(forms: string[]): Promise<FileDocument[]>
  /** What has this name in this folder. */
  byName(folder: Folder, name: string): Promise<FileDocument | undefined>
  /** Everything in the folder. */
  inFolder(folder: Folder): Promise<FileDocument[]>
  /** Files that were saved or renamed since. */
  remember(file: FileDocument, key?: string): void
}

/** A destination, with what was said of it when it was looked up. */
export interface Folder {
  id: string
  path: string
  /** Number of files and folders in it at the start, when the stack said so. */
  count?: number | undefined
}

export function createKnownFiles(context: SaveContext, entryCount: number): KnownFiles {
  const { client } = context
  const few = entryCount <= FEW_ENTRIES
  const saved = new Map<string, FileDocument>()
  const savedByPlace = new Map<string, FileDocument>()
  const savedByKey = new Map<string, FileDocument[]>()
  const folders = new Map<string, Promise<Map<string, FileDocument>>>()
  const selector = {
    cozyMetadata: { createdByApp: context.manifest.slug, sourceAccountIdentifier: context.accountIdentifier },
    trashed: false,
  }
  const indexed = ['cozyMetadata.createdByApp', 'cozyMetadata.sourceAccountIdentifier']
  let all: Promise<{ list: FileDocument[]; byKey: Map<string, FileDocument[]> }> | undefined

  async function listAll() {
    const list = await findFiles(client, selector, indexed)
    const byKey = new Map<string, FileDocument[]>()
    for (const file of list) {
      const key = metadataOf(file)?.fileIdAttributes
      if (typeof key === 'string' && file.type !== 'directory') add(byKey, canonicalKey(key), file)
    }
    return { list, byKey }
  }

  const named = (file: FileDocument): FileDocument => saved.get(file._id) ?? file

  async function listFolder({ id }: Folder): Promise<Map<string, FileDocument>> {
    const files = await findFiles(client, { dir_id: id }, ['dir_id'])
    return new Map(files.map(file => [file.name, file]))
  }

  /** The folder holds nothing but files found by key already: no need to list it. */
  async function isCoveredByKeys({ id, count }: Folder): Promise<boolean> {
    if (count === undefined) return false
    if (count === 0) return true
    if (!all) return false
    return (await all).list.filter(file => file.dir_id === id).length === count
  }

  async function contents(folder: Folder): Promise<Map<string, FileDocument>> {
    if (await isCoveredByKeys(folder)) {
      const files = all ? (await all).list.filter(file => file.dir_id === folder.id) : []
      return new Map(files.map(file => [file.name, file]))
    }
    return listFolder(folder)
  }

  const folderContents = (folder: Folder) => {
    const known = folders.get(folder.id) ?? contents(folder)
    folders.set(folder.id, known)
    return known
  }

  return {
    async byKey(forms) {
      const own = savedByKey.get(canonicalKey(forms[0] as string))
      if (own) return own
      if (few) {
        // One query per form (dates alone have two): `$in` does not use an index everywhere.
        for (const fileIdAttributes of new Set(forms)) {
          const files = await findFiles(client, { ...selector, metadata: { fileIdAttributes } }, [
            ...indexed,
            'metadata.fileIdAttributes',
          ])
          const found = files.filter(file => file.type !== 'directory')
          if (found.length > 0) return found
        }
        return []
      }
      all ??= listAll()
      const candidates = (await all).byKey.get(canonicalKey(forms[0] as string)) ?? []
      const exact = candidates.filter(file => forms.includes(String(metadataOf(file)?.fileIdAttributes)))
      return (exact.length > 0 ? exact : candidates).map(named)
    },
    async byName(folder, name) {
      const own = savedByPlace.get(`${folder.id}/${name}`)
      if (own) return own
      if (folder.count === 0) return undefined
      if (few && !folders.has(folder.id))
        return statByPath(context, `${folder.path === '/' ? '' : folder.path}/${name}`)
      const file = (await folderContents(folder)).get(name)
      // Renamed in the meantime: this name is free again.
      return file && named(file).name === name ? file : undefined
    },
    async inFolder(folder) {
      return [...(await folderContents(folder)).values()].map(named)
    },
    remember(file, key) {
      const before = saved.get(file._id)
      if (before) savedByPlace.delete(`${before.dir_id}/${before.name}`)
      saved.set(file._id, file)
      savedByPlace.set(`${file.dir_id}/${file.name}`, file)
      if (key !== undefined) savedByKey.set(canonicalKey(key), [file])
    },
  }
}

/** The file or folder at this path; any error is taken as absence (`sdk/exports.md` section 8, step 5). */
export async function statByPath(context: SaveContext, path: string): Promise<FileDocument | undefined> {
  try {
    return await context.client.files.statByPath(path)
  } catch (error) {
    if (!isStatus(error, 404)) context.log('debug', `${path}: ${(error as Error).message}`)
    return undefined
  }
}

function add(map: Map<string, FileDocument[]>, key: string, file: FileDocument): void {
  const list = map.get(key)
  if (list) list.push(file)
  else map.set(key, [file])
}
