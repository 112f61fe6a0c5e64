import type { StoredDocument } from '#ground/documents/contract'

/** Doctypes whose records hold members for the server alone, named `internal_…` (`files/record.ts`). */
const WITH_INTERNALS = new Set(['io.cozy.files', 'io.cozy.files.versions'])

export const hasInternals = (doctype: string): boolean => WITH_INTERNALS.has(doctype)

/** A content without what never goes out. */
export function outgoingBody(doctype: string, body: Record<string, unknown>): Record<string, unknown> {
  if (!hasInternals(doctype)) return body
  return Object.fromEntries(Object.entries(body).filter(([name]) => !name.startsWith('internal_')))
}

/** The JSON text of a content as it goes out; not taken apart where nothing is to be left out. */
export function outgoingText(doctype: string, text: string): string {
  if (!hasInternals(doctype) || !text.includes('"internal_')) return text
  return JSON.stringify(outgoingBody(doctype, JSON.parse(text)))
}

/** What stands beside the content. */
export interface Extras {
  /** Adds `_type`. */
  type?: boolean
  /** Further special members: `_revisions`, `_conflicts`. */
  members?: Record<string, unknown>
}

type Head = Pick<StoredDocument, 'doctype' | 'id' | 'rev' | 'deleted'>

/** A document's JSON text: special members written in front of the content's text. */
export function documentText(document: Head & { text: string }, extras: Extras = {}): string {
  return joined(document, outgoingText(document.doctype, document.text), extras)
}

/** The same for a content that is not the stored one. */
export const shownText = (document: Head, body: Record<string, unknown>, extras: Extras = {}): string =>
  joined(document, JSON.stringify(outgoingBody(document.doctype, body)), extras)

function joined({ doctype, id, rev, deleted }: Head, content: string, { type, members }: Extras): string {
  let head = `{"_id":${JSON.stringify(id)},"_rev":${JSON.stringify(rev)}`
  if (deleted) head += ',"_deleted":true'
  if (type) head += `,"_type":${JSON.stringify(doctype)}`
  for (const name in members) head += `,${JSON.stringify(name)}:${JSON.stringify(members[name])}`
  return content === '{}' ? `${head}}` : `${head},${content.slice(1)}`
}
