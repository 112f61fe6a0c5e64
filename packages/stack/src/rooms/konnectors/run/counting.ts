import type { News, NewsEvent } from '#ground/news/contract'
import type { Tenant } from '#ground/tenant'
import type { RunCounts } from './outcome.ts'

/** Doctypes that say how the run is, not what it brought. */
const NOT_DATA = new Set([
  'io.cozy.accounts',
  'io.cozy.jobs',
  'io.cozy.triggers',
  'io.cozy.permissions',
  'io.cozy.konnectors',
  'io.cozy.konnectors.runs',
  'io.cozy.settings',
  'io.cozy.sessions',
])

/**
 * Counts what a run stores, by the metadata its libraries write: documents whose `cozyMetadata.sourceAccount` is the run's
 * account, or, for a run without one, whose maker is its konnector.
 */
export function countDuring(
  news: Pick<News, 'subscribe'>,
  tenant: Tenant,
  { slug, account }: { slug: string; account: string | undefined },
) {
  const counts: RunCounts = { new: 0, updated: 0, files: 0, bytes: 0 }
  const count = ({ tenant: of, doctype, verb, doc }: NewsEvent) => {
    if (
      of.id !== tenant.id ||
      verb === 'DELETED' ||
      verb === 'NOTIFIED' ||
      NOT_DATA.has(doctype) ||
      doctype.startsWith('konnectory.')
    )
      return
    const metadata = (doc.cozyMetadata ?? {}) as Record<string, unknown>
    const ours = account === undefined ? metadata.createdByApp === slug : metadata.sourceAccount === account
    if (!ours || doc.type === 'directory') return
    if (verb === 'CREATED') counts.new += 1
    else counts.updated += 1
    if (doctype === 'io.cozy.files' && verb === 'CREATED') {
      counts.files += 1
      counts.bytes += Number(doc.size ?? 0)
    }
  }
  // What the run stores may be stored by another process.
  const end = news.subscribe(count, { wants: (id, doctype) => id === tenant.id && !NOT_DATA.has(doctype) })
  return { counts, [Symbol.dispose]: end }
}
