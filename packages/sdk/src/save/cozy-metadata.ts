import type { CozyMetadata } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'

/**
 * `cozyMetadata` of a document written now by this konnector (`sdk/exports.md` section 26, `manifest.md` 8.6).
 * @param data wins over the defaults. An item of its `updatedByApps` with this konnector's slug is replaced; a list that
 *   lacks the slug stays as it is
 */
export function getCozyMetadata(context: Pick<SaveContext, 'manifest' | 'now'>, data: CozyMetadata = {}): CozyMetadata {
  const { slug, version } = context.manifest
  const date = (context.now?.() ?? new Date()).toISOString()
  const update = { slug: slug ?? '', date, ...(version === undefined ? {} : { version }) }
  return {
    doctypeVersion: 1,
    metadataVersion: 1,
    createdAt: date,
    ...(slug === undefined ? {} : { createdByApp: slug }),
    ...(version === undefined ? {} : { createdByAppVersion: version }),
    updatedAt: date,
    updatedByApps: [update],
    ...data,
    ...(data.updatedByApps ? { updatedByApps: data.updatedByApps.map(app => (app.slug === slug ? update : app)) } : {}),
  }
}

/** The metadata of a document to write: its own wins, the account of this run is added. */
export function accountMetadata(context: SaveContext, own: CozyMetadata | undefined): CozyMetadata {
  return getCozyMetadata(context, {
    ...own,
    ...(context.accountId === undefined ? {} : { sourceAccount: context.accountId }),
    ...(context.accountIdentifier === undefined ? {} : { sourceAccountIdentifier: context.accountIdentifier }),
  })
}

/**
 * Metadata of a document to write: a new one gets this run's; a known one keeps its own, except that this konnector is
 * noted as its last writer.
 */
export function writtenMetadata(context: SaveContext, own: CozyMetadata | undefined): CozyMetadata {
  if (!own) return accountMetadata(context, undefined)
  const { updatedAt, updatedByApps } = getCozyMetadata(
    context,
    own.updatedByApps ? { updatedByApps: own.updatedByApps } : {},
  )
  return {
    ...own,
    ...(updatedAt ? { updatedAt } : {}),
    ...(own.updatedByApps && updatedByApps ? { updatedByApps } : {}),
  }
}
