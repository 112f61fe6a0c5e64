import { isStatus } from '@konnectory/client'
import type { FileDocument, Reference } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'
import type { FileEntry, SaveFilesOptions } from './file-entry.ts'
import type { Folder } from './known-files.ts'

const CONTRACTS = 'io.cozy.accounts.contracts'
const IDENTIFIERS = 'io.cozy.accounts.sourceAccountIdentifier'

/** The destination folder could not be found or made: nothing can be saved. */
export class DestinationError extends Error {
  override name = 'DestinationError'

  constructor(cause: unknown) {
    super(`Cannot save files: ${(cause as Error)?.message ?? cause}`, { cause })
  }
}

export interface Destinations {
  /**
   * The folder for this entry, made and referenced when needed.
   * @throws DestinationError
   */
  of(entry: FileEntry): Promise<Folder>
  /** The folder of the account itself. */
  base(): Promise<Folder>
}

/**
 * Destination folders of one call (`sdk/exports.md` section 8, steps 2 and 3.3). Each is looked up once.
 * Folders are found by their references first, so a contract's folder may be moved or renamed by the user.
 */
export function createDestinations(context: SaveContext, options: SaveFilesOptions): Destinations {
  const { client, manifest, accountIdentifier } = context
  const folders = new Map<string, Promise<Folder>>()
  let known: Promise<FileDocument[]> | undefined

  /** Folders that this konnector saved into, for this account. */
  async function listKnown(): Promise<FileDocument[]> {
    if (!manifest.slug) return []
    const files = await client.files.referencing('io.cozy.konnectors', `io.cozy.konnectors/${manifest.slug}`)
    return files.filter(
      file =>
        file.type === 'directory' &&
        !file.path?.startsWith('/.cozy_trash') &&
        referencesOf(file).some(
          ({ type, id }) => type === IDENTIFIERS && (!accountIdentifier || id === accountIdentifier),
        ),
    )
  }
  const knownFolders = () => {
    known ??= listKnown()
    return known
  }

  async function resolve(path: string, references: Reference[]): Promise<Folder> {
    if (!options.folderPath) throw new Error('no destination folder was given (folderPath)')
    const candidates = await knownFolders()
    const contract = references.find(({ type }) => type === CONTRACTS)
    const ofContract = contract ? candidates.find(file => hasReference(file, contract)) : undefined
    const folder = (ofContract && (await stillThere(ofContract))) ?? (await ensure(path))
    const listed = candidates.find(file => file._id === folder._id)
    const missing = references.filter(
      reference => !hasReference(folder, reference) && !(listed && hasReference(listed, reference)),
    )
    for (const { type, id } of missing) {
      await client.data.addReferences(type, id, [{ type: 'io.cozy.files', id: folder._id }])
    }
    const contents = folder.relationships?.contents as { meta?: { count?: number } } | undefined
    return { id: folder._id, path: folder.path ?? path, count: contents?.meta?.count }
  }

  async function stillThere({ _id }: FileDocument): Promise<FileDocument | undefined> {
    try {
      return await client.files.statById(_id)
    } catch (error) {
      if (isStatus(error, 404)) return undefined
      throw error
    }
  }

  async function ensure(path: string): Promise<FileDocument> {
    try {
      return await client.files.statByPath(path)
    } catch (error) {
      if (!isStatus(error, 404)) throw error
    }
    const made = await client.files.ensureDirectory(path)
    return { ...made, relationships: { ...made.relationships, contents: { meta: { count: 0 } } } }
  }

  /** Of a sub folder only: the destination folder itself is the user's, and may serve other konnectors. */
  function referencesFor(contractId: string | undefined): Reference[] {
    if (!accountIdentifier) return []
    return [
      ...(manifest.slug ? [{ type: 'io.cozy.konnectors', id: `io.cozy.konnectors/${manifest.slug}` }] : []),
      { type: IDENTIFIERS, id: accountIdentifier },
      ...(contractId ? [{ type: CONTRACTS, id: contractId }] : []),
    ]
  }

  function at(sub: string | undefined, contractId?: string): Promise<Folder> {
    const path = joinPath(options.folderPath, sub)
    const references = sub ? referencesFor(contractId) : []
    const cacheKey = `${contractId ?? ''}\n${path}`
    let folder = folders.get(cacheKey)
    if (!folder) {
      // One after the other: two new sub folders must not both make their common parent.
      const previous = [...folders.values()].at(-1) ?? Promise.resolve()
      folder = previous
        .catch(() => {})
        .then(() => resolve(path, references))
        .catch(error => {
          throw new DestinationError(error)
        })
      folders.set(cacheKey, folder)
    }
    return folder
  }

  return {
    of(entry) {
      const contract = entry.contract ?? options.contract
      const sub = entry.contract?.name || options.contract?.name || entry.subPath || options.subPath
      return at(sub, contract?.id)
    },
    base: () => at(undefined),
  }
}

/** `folderPath/sub`, absolute, without double or final slashes. */
export function joinPath(folderPath: string | undefined, sub: string | undefined): string {
  const parts = `${folderPath ?? ''}/${sub ?? ''}`.split('/').filter(Boolean)
  return `/${parts.join('/')}`
}

/** A directory shows its references among its attributes, a file among its relationships (`protocol/data.md` section 7). */
function referencesOf(file: FileDocument): Reference[] {
  const inAttributes = (file.attributes?.referenced_by ?? file.referenced_by) as Reference[] | undefined
  const related = file.relationships?.referenced_by?.data
  return inAttributes ?? (Array.isArray(related) ? related : [])
}

function hasReference(file: FileDocument, { type, id }: Reference): boolean {
  return referencesOf(file).some(reference => reference.type === type && reference.id === id)
}
