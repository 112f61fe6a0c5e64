import type { CozyMetadata } from '@konnectory/protocol'

/** Where files of a standalone run say they were made: there is no instance, and a port would differ at each run. */
export const INSTANCE_URL = 'http://konnectory.localhost/'

export interface Uploader {
  slug: string | undefined
  now: string
  sourceAccount?: string | undefined
  sourceAccountIdentifier?: string | undefined
}

/** `cozyMetadata` that the server makes for a new file or directory (`protocol/files.md` section 1). */
export function newMetadata(uploader: Uploader, uploaded: boolean): CozyMetadata {
  const { slug, now } = uploader
  return defined({
    doctypeVersion: '1',
    metadataVersion: 1,
    createdAt: now,
    createdByApp: slug,
    createdOn: INSTANCE_URL,
    updatedAt: now,
    updatedByApps: slug === undefined ? undefined : [{ slug, date: now, instance: INSTANCE_URL }],
    ...(uploaded ? uploadedBy(uploader) : {}),
    ...sources(uploader),
  })
}

/** After a change: one entry per slug in `updatedByApps`; new content also refreshes what says who sent it. */
export function changedMetadata(before: CozyMetadata | undefined, uploader: Uploader, uploaded: boolean): CozyMetadata {
  const { slug, now } = uploader
  const others = (before?.updatedByApps ?? []).filter(app => app.slug !== slug)
  return defined({
    ...(before ?? newMetadata(uploader, uploaded)),
    updatedAt: now,
    updatedByApps:
      slug === undefined ? before?.updatedByApps : [...others, { slug, date: now, instance: INSTANCE_URL }],
    ...(uploaded ? uploadedBy(uploader) : {}),
    ...sources(uploader),
  })
}

function uploadedBy({ slug, now }: Uploader): CozyMetadata {
  return { uploadedAt: now, uploadedOn: INSTANCE_URL, ...(slug === undefined ? {} : { uploadedBy: { slug } }) }
}

function sources({ sourceAccount, sourceAccountIdentifier }: Uploader): CozyMetadata {
  return {
    ...(sourceAccount ? { sourceAccount } : {}),
    ...(sourceAccountIdentifier ? { sourceAccountIdentifier } : {}),
  }
}

function defined(metadata: Record<string, unknown>): CozyMetadata {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined))
}
