import type { CozyMetadata } from '@konnectory/protocol'
import type { Tenant } from '#ground/tenant'
import type { VersionEntry } from '../present.ts'
import type { FileEntry, FileRecord, VersionRecord } from '../record.ts'
import type { Caller } from './caller.ts'
import { doing, type WriteContext } from './context.ts'
import { changedMetadata } from './cozy-metadata.ts'
import { described } from './create-file.ts'
import { notBefore } from './dates.ts'
import { fileMissing, otherRevision } from './errors.ts'
import { permittedMetadata } from './metadata-shelf.ts'
import { makeRoom } from './quota.ts'
import { recordOf, type Tree } from './tree.ts'
import { leastVersions } from './tree-sql.ts'

/** `protocol/files.md` §9. */
const MOST_VERSIONS = 20
const MILLISECONDS_APART = 15 * 60_000

/** Members of a file's `cozyMetadata` that tell of its content, and so go with a version. */
const OF_CONTENT = ['uploadedAt', 'uploadedOn', 'uploadedBy', 'sourceAccount', 'sourceAccountIdentifier'] as const

/** @throws JsonApiError 412 for another revision than the one that was asked for */
export function checkRevision({ _rev }: { _rev: string }, rev: string | undefined): void {
  if (rev !== undefined && rev !== _rev) throw otherRevision()
}

/**
 * Keeps what a file is now as a version, and drops what is too much: an untagged version that is less than 15 minutes older
 * than the new one, and beyond 20 the oldest, untagged ones first.
 */
export async function keepVersion(tree: Tree, file: FileEntry): Promise<void> {
  const olds = (await tree.versions([file._id])).sort(byAge)
  const taken = Date.parse(file.updated_at)
  const going = new Set(
    olds.filter(({ tags, updated_at }) => {
      const apart = taken - Date.parse(updated_at)
      return tags.length === 0 && apart >= 0 && apart < MILLISECONDS_APART
    }),
  )
  const kept = () => olds.filter(version => !going.has(version))
  while (kept().length >= MOST_VERSIONS) {
    const oldest = kept().find(({ tags }) => tags.length === 0) ?? kept()[0]!
    going.add(oldest)
  }
  await tree.removeVersions([...going])
  await addVersion(tree, file)
}

/** The generation of a revision only grows: no number is used twice, whatever versions are removed. */
function addVersion(tree: Tree, file: FileEntry): Promise<VersionEntry> {
  const record: VersionRecord = {
    file_id: file._id,
    updated_at: file.updated_at,
    size: file.size,
    md5sum: file.md5sum,
    tags: file.tags ?? [],
    ...(file.metadata && { metadata: file.metadata }),
    ...(file.cozyMetadata && { cozyMetadata: picked(file.cozyMetadata) }),
    internal_blob: file.internal_blob,
  }
  return tree.addVersion(`${file._id}/${Number.parseInt(file._rev, 10)}`, record)
}

function picked(metadata: CozyMetadata): CozyMetadata {
  return Object.fromEntries(OF_CONTENT.flatMap(name => (name in metadata ? [[name, metadata[name]]] : [])))
}

const byAge = (a: VersionEntry, b: VersionEntry) =>
  Date.parse(a.updated_at) - Date.parse(b.updated_at) || numberOf(a) - numberOf(b)
const numberOf = ({ _id }: VersionEntry) => Number(_id.slice(_id.lastIndexOf('/') + 1))

/** New metadata for the same content. @throws JsonApiError 404, 412 */
export async function describeAnew(
  context: WriteContext,
  tenant: Tenant,
  caller: Caller,
  id: string,
  about: { rev?: string | undefined; tags?: string[] | undefined; metadata: Record<string, unknown> },
): Promise<FileEntry> {
  const { quotaBytes } = await context.ownerOf(tenant)
  return context.inTree(tenant, async tree => {
    const file = await tree.mustFile(id)
    await caller.assertMay('PUT', file, () => tree.above(file))
    checkRevision(file, about.rev)
    await keepVersion(tree, file)
    const by = doing(context, tenant, caller)
    const { tags, metadata, ...kept } = recordOf<FileRecord>(file)
    const entry = await tree.replace<FileRecord>(file, {
      ...kept,
      updated_at: notBefore(by.now, file.created_at),
      ...described({ tags: about.tags ?? [], metadata: permittedMetadata(about.metadata, caller.grant, metadata) }),
      cozyMetadata: changedMetadata(file.cozyMetadata, by),
    })
    await makeRoom(tree, quotaBytes, false)
    return entry
  })
}

/**
 * Makes an old content the current one again. The two change places: the current content becomes a version, so nothing is lost
 * and no more bytes are used.
 * @throws JsonApiError 404, 412
 */
export function revert(
  context: WriteContext,
  tenant: Tenant,
  caller: Caller,
  id: string,
  version: string,
  rev?: string,
): Promise<FileEntry> {
  return context.inTree(tenant, async tree => {
    const file = await tree.mustFile(id)
    await caller.assertMay('POST', file, () => tree.above(file))
    checkRevision(file, rev)
    const old = await mustVersion(tree, file, version)
    await addVersion(tree, file)
    const by = doing(context, tenant, caller)
    const { tags, metadata, ...kept } = recordOf<FileRecord>(file)
    const { uploadedAt, uploadedOn, uploadedBy, sourceAccount, sourceAccountIdentifier, ...others } = changedMetadata(
      file.cozyMetadata,
      by,
    )
    const entry = await tree.replace<FileRecord>(file, {
      ...kept,
      updated_at: notBefore(by.now, file.created_at),
      size: old.size,
      md5sum: old.md5sum,
      ...described({ tags: old.tags, metadata: old.metadata }),
      cozyMetadata: { ...others, ...picked(old.cozyMetadata ?? {}) },
      internal_blob: old.internal_blob,
    })
    await tree.removeVersions([old])
    return entry
  })
}

/** @throws JsonApiError 404 */
export function tagVersion(
  context: WriteContext,
  tenant: Tenant,
  caller: Caller,
  id: string,
  version: string,
  tags: string[],
): Promise<VersionEntry> {
  return context.inTree(tenant, async tree => {
    const file = await tree.mustFile(id)
    await caller.assertMay('PATCH', file, () => tree.above(file))
    const old = await mustVersion(tree, file, version)
    return tree.replaceVersion(old, { ...recordOf<VersionRecord>(old), tags })
  })
}

/** @throws JsonApiError 404 */
export function removeVersion(
  context: WriteContext,
  tenant: Tenant,
  caller: Caller,
  id: string,
  version: string,
): Promise<void> {
  return context.inTree(tenant, async tree => {
    const file = await tree.mustFile(id)
    await caller.assertMay('DELETE', file, () => tree.above(file))
    await tree.removeVersions([await mustVersion(tree, file, version)])
  })
}

/** Removes all old contents of all files. */
export function removeAllVersions(context: WriteContext, tenant: Tenant): Promise<void> {
  return context.inTree(tenant, async tree => {
    for (;;) {
      const versions = await leastVersions(tree.run, tenant.id, 500)
      if (versions.length === 0) return
      await tree.removeVersions(versions)
    }
  })
}

async function mustVersion(tree: Tree, file: FileEntry, version: string): Promise<VersionEntry> {
  const found = (await tree.versions([file._id])).find(({ _id }) => _id === `${file._id}/${version}`)
  if (!found) throw fileMissing()
  return found
}
