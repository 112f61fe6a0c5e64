import { invalidParameter } from '#ground/http/errors'
import type { DirectoryRecord, Entry, FileRecord } from '../record.ts'
import type { Caller } from './caller.ts'
import { doing, type WriteContext } from './context.ts'
import { changedMetadata } from './cozy-metadata.ts'
import { described } from './create-file.ts'
import { notBefore } from './dates.ts'
import { builtIn, fileMissing, inTrashAlready } from './errors.ts'
import { permittedMetadata } from './metadata-shelf.ts'
import { extensionOf, fileType } from './mime.ts'
import { type Destination, relocate } from './move.ts'
import { checkName } from './names.ts'
import { isBuiltIn, isPlace, recordOf, type Tree } from './tree.ts'

/** What can be changed (`protocol/files.md` §5). */
export interface AttributeChanges {
  name?: string | undefined
  dir_id?: string | undefined
  tags?: string[] | undefined
  /** ISO 8601 in UTC. */
  updated_at?: string | undefined
  executable?: boolean | undefined
  encrypted?: boolean | undefined
  /** Any value: type and class are made anew from the name. */
  class?: string | undefined
  metadata?: Record<string, unknown> | undefined
  favorite?: boolean | undefined
}

/**
 * Renames, moves and describes an entry that the caller may PATCH. A move also asks for POST or PATCH on the destination,
 * which upstream does not.
 * @throws JsonApiError 400 for a move of what is in the trash, 404, 409, 412, 422; HttpError 403
 */
export async function changeAttributes(
  context: Pick<WriteContext, 'ground'>,
  tree: Tree,
  caller: Caller,
  entry: Entry,
  changes: AttributeChanges,
): Promise<Entry> {
  if (isBuiltIn(entry)) throw builtIn()
  const name = changes.name === undefined ? entry.name : checkName(changes.name)
  const directoryId = changes.dir_id ?? entry.dir_id
  const moves = directoryId !== entry.dir_id
  const renames = name !== entry.name
  if ((moves || renames) && (await tree.isTrashed(entry))) throw inTrashAlready()
  if (changes.updated_at !== undefined && changes.updated_at < entry.created_at) {
    throw invalidParameter('UpdatedAt', 'The modification date is before the creation date')
  }

  const by = doing(context, tree.tenant, caller)
  const cozyMetadata = {
    ...changedMetadata(entry.cozyMetadata, by),
    ...(changes.favorite !== undefined && { favorite: changes.favorite }),
  }
  const { tags, metadata, ...kept } = recordOf<FileRecord | DirectoryRecord>(entry)
  const content = {
    ...kept,
    ...described({
      tags: changes.tags ?? tags,
      metadata: changes.metadata ? permittedMetadata(changes.metadata, caller.grant, metadata) : metadata,
    }),
    updated_at: notBefore(changes.updated_at ?? by.now, entry.created_at),
    ...(entry.type === 'file' ? ofFile(entry, name, changes) : {}),
    cozyMetadata,
  } as FileRecord | DirectoryRecord

  if (!moves && !renames) {
    return entry.type === 'file'
      ? tree.replace<FileRecord>(entry, content as FileRecord)
      : tree.replace<DirectoryRecord>(entry, content as DirectoryRecord)
  }
  return relocate(tree, entry, await destinationOf(tree, caller, directoryId, name, moves), content)
}

function ofFile(
  { name: oldName, executable, encrypted }: Pick<FileRecord, 'name' | 'executable' | 'encrypted'>,
  name: string,
  changes: AttributeChanges,
): Partial<FileRecord> {
  const isTypedAnew = changes.class !== undefined || extensionOf(name) !== extensionOf(oldName)
  return {
    executable: changes.executable ?? executable,
    encrypted: changes.encrypted ?? encrypted,
    ...(isTypedAnew && fileType(name)),
  }
}

async function destinationOf(
  tree: Tree,
  caller: Caller,
  directoryId: string,
  name: string,
  moves: boolean,
): Promise<Destination> {
  const parent = await tree.must(directoryId)
  if (!isPlace(parent)) throw fileMissing()
  if (moves) await caller.assertMay(['POST', 'PATCH'], parent, () => tree.above(parent))
  return { parent, name }
}
