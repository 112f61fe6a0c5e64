import type { Change, Documents } from '#ground/documents/contract'
import { inTransaction } from '#ground/documents/sql'
import { FILES, VERSIONS } from '../record.ts'
import { addUsage } from './usage-store.ts'

/**
 * Keeps the bytes used in step with the documents, in their transaction and whoever writes them: what the quota compares with
 * cannot drift.
 */
export function keepUsage(documents: Documents): void {
  documents.onChange(
    async (changes, writer) => {
      const bytes = changes.reduce((sum, change) => sum + growth(change), 0)
      if (bytes === 0) return
      const isVersions = changes[0]?.document.doctype === VERSIONS
      await addUsage(inTransaction(writer.query), writer.tenant.id, {
        files: isVersions ? 0 : bytes,
        versions: isVersions ? bytes : 0,
      })
    },
    (_tenant, doctype) => doctype === FILES || doctype === VERSIONS,
  )
}

function growth({ document, before }: Change): number {
  const now = document.deleted ? 0 : sizeOf(document.body)
  return now - (before ? sizeOf(before.body) : 0)
}

/** Directories have no size. */
function sizeOf({ size }: Record<string, unknown>): number {
  const bytes = Number(size ?? 0)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0
}
