import type { CozyMetadata } from '@konnectory/protocol'
import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'

/** Who does something, when and where: what `cozyMetadata` is made from (`protocol/files.md` §1). */
export interface Doing {
  tenant: Tenant
  /** Undefined for the server itself. */
  actor: Actor | undefined
  /** ISO 8601. */
  now: string
  sourceAccount?: string | undefined
  sourceAccountIdentifier?: string | undefined
}

/** Of a new file or directory. @param uploaded whether content came with it */
export function newMetadata(doing: Doing, uploaded: boolean): CozyMetadata {
  const { actor, now, tenant } = doing
  return {
    doctypeVersion: '1',
    metadataVersion: 1,
    createdAt: now,
    ...(actor?.slug && { createdByApp: actor.slug }),
    ...(actor?.slug && actor.version && { createdByAppVersion: actor.version }),
    createdOn: tenant.url,
    updatedAt: now,
    ...(actor?.slug && { updatedByApps: [updater(doing, actor.slug)] }),
    ...(uploaded ? uploadOf(doing) : {}),
    ...sourcesOf(doing),
  }
}

/** After a change: one entry per slug and instance in `updatedByApps`; new content also says who sent it. */
export function changedMetadata(before: CozyMetadata | undefined, doing: Doing, uploaded = false): CozyMetadata {
  const { actor, now, tenant } = doing
  if (!before) return newMetadata(doing, uploaded)
  const { uploadedBy, ...kept } = before
  const others = (before.updatedByApps ?? []).filter(
    app => app.slug !== actor?.slug || (app as { instance?: string }).instance !== tenant.url,
  )
  return {
    ...kept,
    ...(uploadedBy !== undefined && !uploaded && { uploadedBy }),
    updatedAt: now,
    ...(actor?.slug && { updatedByApps: [...others, updater(doing, actor.slug)] }),
    ...(uploaded ? uploadOf(doing) : {}),
    ...sourcesOf(doing),
  }
}

/** When it goes to the trash. Holders of a share link are strangers; everybody else acts for the owner. */
export function trashedMetadata(before: CozyMetadata | undefined, doing: Doing, publicName: string): CozyMetadata {
  const trashedBy =
    doing.actor?.kind === 'share'
      ? { kind: 'anonymous' }
      : { kind: 'member', displayName: publicName, domain: doing.tenant.domain }
  return { ...changedMetadata(before, doing), trashedAt: doing.now, trashedBy }
}

export function restoredMetadata(before: CozyMetadata | undefined, doing: Doing): CozyMetadata {
  const { trashedAt, trashedBy, ...kept } = changedMetadata(before, doing)
  return kept
}

function updater({ actor, now, tenant }: Doing, slug: string) {
  return { slug, date: now, ...(actor?.version && { version: actor.version }), instance: tenant.url }
}

function uploadOf({ actor, now, tenant }: Doing): CozyMetadata {
  const by = {
    ...(actor?.slug && { slug: actor.slug }),
    ...(actor?.slug && actor.version && { version: actor.version }),
    ...(actor?.client && { oauthClient: { ...actor.client } }),
  }
  return { uploadedAt: now, uploadedOn: tenant.url, ...(Object.keys(by).length > 0 && { uploadedBy: by }) }
}

function sourcesOf({ sourceAccount, sourceAccountIdentifier }: Doing): CozyMetadata {
  return {
    ...(sourceAccount && { sourceAccount }),
    ...(sourceAccountIdentifier && { sourceAccountIdentifier }),
  }
}
