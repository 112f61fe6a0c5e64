import type { Tenant } from '#ground/tenant'

type Metadata = Record<string, unknown>

/** `cozyMetadata` of a new permission document. @param slug of the app that makes it, when one does */
export function freshMetadata(tenant: Tenant, now: Date, slug: string | undefined): Metadata {
  const date = now.toISOString()
  return {
    doctypeVersion: '1',
    metadataVersion: 1,
    createdAt: date,
    createdOn: tenant.url,
    updatedAt: date,
    ...(slug && { createdByApp: slug, updatedByApps: [{ slug, date, instance: tenant.url }] }),
  }
}

/** The same after a change: one entry for each app that ever made one. */
export function touchedMetadata(before: Metadata | undefined, tenant: Tenant, now: Date, slug?: string): Metadata {
  const date = now.toISOString()
  const metadata = { ...(before ?? freshMetadata(tenant, now, undefined)), updatedAt: date }
  if (!slug) return metadata
  const apps: unknown[] = Array.isArray(before?.updatedByApps) ? before.updatedByApps : []
  const others = apps.filter(app => (app as { slug?: unknown } | null)?.slug !== slug)
  return { ...metadata, updatedByApps: [...others, { slug, date, instance: tenant.url }] }
}
