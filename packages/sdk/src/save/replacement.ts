import type { FileDocument } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'
import type { FileEntry, SaveFilesOptions } from './file-entry.ts'
import { asJson, plainQualification, sameJson } from './qualification.ts'

/** Metadata that only a token with the permission on this doctype may write; the stack drops it silently otherwise. */
const CERTIFIED: Record<string, string> = {
  carbonCopy: 'io.cozy.certified.carbon_copy',
  electronicSafe: 'io.cozy.certified.electronic_safe',
}

export function metadataOf(file: FileDocument): Record<string, unknown> | undefined {
  return file.attributes?.metadata ?? file.metadata
}

function identifierOf(file: FileDocument): unknown {
  return (file.attributes?.cozyMetadata ?? file.cozyMetadata)?.sourceAccountIdentifier
}

/**
 * Should this known file be downloaded again? (`sdk/exports.md` section 8, step 6.)
 * Only what the entry defines is compared, so what the user or another application noted on the file stays and does
 * not cause a download at each run (FIX-12).
 * @returns the reason, or `undefined` to keep the file
 */
export function replacementReason(
  context: SaveContext,
  file: FileDocument,
  entry: FileEntry,
  options: SaveFilesOptions,
): string | undefined {
  const stored = metadataOf(file)
  const wanted = entry.fileAttributes?.metadata
  if (!stored && wanted) return 'the file has no metadata'
  if (options.fileIdAttributes && !stored?.fileIdAttributes) return 'the file has no fileIdAttributes'
  if (context.accountIdentifier && !identifierOf(file)) return 'the file has no sourceAccountIdentifier'
  for (const name of ['carbonCopy', 'electronicSafe', 'qualification']) {
    const value = wanted?.[name]
    if (value === undefined || !mayWrite(context, name)) continue
    const same =
      name === 'qualification'
        ? sameJson(plainQualification(value), plainQualification(stored?.[name]))
        : sameJson(asJson(value), stored?.[name])
    if (!same) return `${name} is different`
  }
  return undefined
}

/** Without the permission the attribute never arrives on the file: comparing it would download the file at each run. */
function mayWrite(context: SaveContext, name: string): boolean {
  const doctype = CERTIFIED[name]
  const permissions = context.manifest.permissions
  if (doctype === undefined || typeof permissions !== 'object' || permissions === null) return true
  return Object.values(permissions).some(permission => (permission as { type?: unknown } | null)?.type === doctype)
}

/** Metadata to write: what is on the file already, over it what the entry says, and its key. */
export function metadataToWrite(
  entry: FileEntry,
  key: string | undefined,
  replaced: FileDocument | undefined,
): Record<string, unknown> | undefined {
  const own = entry.fileAttributes?.metadata
  const metadata: Record<string, unknown> = {
    ...(replaced ? metadataOf(replaced) : {}),
    ...asJson({ ...own, qualification: undefined }),
  }
  if (own?.qualification !== undefined) metadata.qualification = plainQualification(own.qualification)
  if (key !== undefined) metadata.fileIdAttributes = key
  return Object.keys(metadata).length > 0 ? metadata : undefined
}
