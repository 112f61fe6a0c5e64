import type { Document, Stored } from '@konnectory/protocol'

// biome-ignore lint/suspicious/noExplicitAny: konnectors read whatever their doctype holds
export type AnyDocument = Stored<Document> & Record<string, any>

/** Old short names of doctypes. */
const SHORT_NAMES: Record<string, string> = {
  files: 'io.cozy.files',
  folder: 'io.cozy.files',
  contact: 'io.cozy.contacts',
  event: 'io.cozy.events',
}

/** @returns the doctype, old short names made whole; @throws for another name without a dot */
export function qualified(doctype: string): string {
  if (doctype.includes('.')) return doctype
  const known = SHORT_NAMES[doctype]
  if (known) return known
  throw new Error(`Doctype ${doctype} should be qualified.`)
}

/** @returns path of a doctype or document, with its query */
export function dataPath(doctype: string, id = '', params: Record<string, unknown> = {}): string {
  const query = Object.entries(params).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  )
  const path = `/data/${encodeURIComponent(qualified(doctype))}/${encodeURIComponent(id)}`
  return query.length > 0 ? `${path}?${query.join('&')}` : path
}
