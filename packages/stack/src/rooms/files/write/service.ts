import type { RunSql } from '#ground/documents/sql'
import type { Tenant } from '#ground/tenant'
import type { DirectoryEntry, Entry } from '../record.ts'
import { TRASH_ID } from '../record.ts'
import { type AttributeChanges, changeAttributes } from './attributes.ts'
import type { Caller } from './caller.ts'
import type { WriteContext } from './context.ts'
import { copyFile } from './copy.ts'
import { createDirectory, createDirectoryAt } from './create-directory.ts'
import { createFile } from './create-file.ts'
import { destroyEntry } from './destroy.ts'
import { fileMissing, notInTrash } from './errors.ts'
import { ensureSharedDrives } from './first-directories.ts'
import { collectOrphansOf, purgeTrashOf } from './housekeeping.ts'
import { createMetadataShelf, type MetadataShelf } from './metadata-shelf.ts'
import { overwriteFile } from './overwrite.ts'
import { restoreEntry, trashEntry } from './trash.ts'
import type { Tree } from './tree.ts'
import { readUsage, type Usage } from './usage-store.ts'
import { checkRevision, describeAnew, removeAllVersions, removeVersion, revert, tagVersion } from './versions.ts'

/** What a PATCH asks for; the first two do away with the rest. */
export interface Patch extends AttributeChanges {
  permanent_delete?: boolean | undefined
  move_to_trash?: boolean | undefined
}

/** How an operation finds its entry in the tree. */
export type Finder = (tree: Tree) => Promise<Entry | undefined>
export const byId =
  (id: string): Finder =>
  tree =>
    tree.get(id)

/** Changes of the tree, each one transaction, each asking the caller for its permission (`protocol/files.md` §2). */
export interface FilesWriter {
  shelf: MetadataShelf
  createFile: Bound<typeof createFile>
  overwriteFile: Bound<typeof overwriteFile>
  createDirectory: Bound<typeof createDirectory>
  createDirectoryAt: Bound<typeof createDirectoryAt>
  copyFile: Bound<typeof copyFile>
  describeAnew: Bound<typeof describeAnew>
  revert: Bound<typeof revert>
  tagVersion: Bound<typeof tagVersion>
  removeVersion: Bound<typeof removeVersion>
  removeAllVersions: Bound<typeof removeAllVersions>
  sharedDrives(tenant: Tenant, caller: Caller): Promise<DirectoryEntry>
  /** @returns the entry afterwards; of one destroyed, its last state */
  patch(tenant: Tenant, caller: Caller, find: Finder, patch: Patch, rev?: string): Promise<Entry>
  trash(tenant: Tenant, caller: Caller, id: string, rev?: string): Promise<Entry>
  restore(tenant: Tenant, caller: Caller, id: string): Promise<Entry>
  /** Of what is in the trash. Upstream destroys whatever it is given. @throws JsonApiError 400 for something else */
  destroyTrashed(tenant: Tenant, caller: Caller, id: string): Promise<void>
  /** Item by item: each is gone whole or not at all, and others can work in between. */
  emptyTrash(tenant: Tenant, caller: Caller): Promise<void>
  usage(tenant: Tenant): Promise<Usage>
  /** @returns how many contents that nothing names were removed */
  collectOrphans(tenant: Tenant, olderThan: Date): Promise<number>
  /** @returns how many items that went to the trash before a time were destroyed */
  purgeTrash(tenant: Tenant, before: Date): Promise<number>
}

type Bound<F> = F extends (context: WriteContext, ...rest: infer R) => infer T ? (...rest: R) => T : never

export function createFilesWriter(context: WriteContext, run: RunSql): FilesWriter {
  const { inTree } = context
  const must = async (tree: Tree, find: Finder): Promise<Entry> => {
    const entry = await find(tree)
    if (!entry) throw fileMissing()
    return entry
  }
  const bind = <R extends unknown[], T>(operation: (context: WriteContext, ...rest: R) => T) =>
    ((...rest: R) => operation(context, ...rest)) as (...rest: R) => T

  return {
    shelf: createMetadataShelf(run, context.ground.clock),
    createFile: bind(createFile),
    overwriteFile: bind(overwriteFile),
    createDirectory: bind(createDirectory),
    createDirectoryAt: bind(createDirectoryAt),
    copyFile: bind(copyFile),
    describeAnew: bind(describeAnew),
    revert: bind(revert),
    tagVersion: bind(tagVersion),
    removeVersion: bind(removeVersion),
    removeAllVersions: bind(removeAllVersions),
    sharedDrives: (tenant, caller) => inTree(tenant, tree => ensureSharedDrives(context, tree, caller)),

    async patch(tenant, caller, find, patch, rev) {
      const owner = await context.ownerOf(tenant)
      return inTree(tenant, async tree => {
        const entry = await must(tree, find)
        await caller.assertMay('PATCH', entry, () => tree.above(entry))
        checkRevision(entry, rev)
        if (patch.permanent_delete) {
          await destroyEntry(tree, entry)
          return entry
        }
        if (patch.move_to_trash) return trashEntry(context, tree, caller, entry, owner)
        return changeAttributes(context, tree, caller, entry, patch)
      })
    },

    async trash(tenant, caller, id, rev) {
      const owner = await context.ownerOf(tenant)
      return inTree(tenant, async tree => {
        const entry = await tree.must(id)
        await caller.assertMay('PATCH', entry, () => tree.above(entry))
        checkRevision(entry, rev)
        return trashEntry(context, tree, caller, entry, owner)
      })
    },

    restore: (tenant, caller, id) =>
      inTree(tenant, async tree => {
        const entry = await tree.must(id)
        await caller.assertMay('PATCH', entry, () => tree.above(entry))
        return restoreEntry(context, tree, caller, entry)
      }),

    destroyTrashed: (tenant, caller, id) =>
      inTree(tenant, async tree => {
        const entry = await tree.must(id)
        await caller.assertMay('DELETE', entry, () => tree.above(entry))
        if (!(await tree.isTrashed(entry))) throw notInTrash()
        await destroyEntry(tree, entry)
      }),

    async emptyTrash(tenant, caller) {
      await inTree(tenant, async tree => {
        const entry = await tree.must(TRASH_ID)
        await caller.assertMay('DELETE', entry, () => tree.above(entry))
      })
      await purgeTrashOf(context, tenant)
    },

    usage: tenant => readUsage(run, tenant.id),
    collectOrphans: (tenant, olderThan) => collectOrphansOf(context, tenant, olderThan),
    purgeTrash: (tenant, before) => purgeTrashOf(context, tenant, before),
  }
}
