import type { NewsEvent } from '#ground/news/contract'

/** Members that are for the server alone, by doctype (`protocol/realtime.md` §5). */
const HIDDEN: Record<string, readonly string[]> = {
  'io.cozy.files': ['internal_blob'],
  'io.cozy.files.versions': ['internal_blob'],
  // Codes open what is shared, and a password's hash is nobody's business.
  'io.cozy.permissions': ['codes', 'shortcodes', 'password'],
  'io.cozy.triggers': ['current_state'],
}

/** Names of news that only the server listens to. */
const OURS = /^konnectory\./

/** Whether clients may hear of events of this doctype, with whatever permission. */
export const isPublic = (doctype: string): boolean => !OURS.test(doctype)

/** Text of an event, as it goes to every listener. `cursor` is ours: clients that know nothing of it do not look at it. */
export function eventText(
  { verb, doctype, id = '', doc }: Pick<NewsEvent, 'verb' | 'doctype' | 'id' | 'doc'>,
  cursor: string | undefined,
): string {
  const payload = { type: doctype, id, doc: shownDocument(doctype, doc), ...(cursor !== undefined && { seq: cursor }) }
  return JSON.stringify({ event: verb, payload })
}

function shownDocument(doctype: string, doc: Record<string, unknown>): Record<string, unknown> {
  const hidden = Object.hasOwn(HIDDEN, doctype) ? HIDDEN[doctype]! : []
  if (!hidden.some(name => name in doc) && !('_type' in doc)) return doc
  return Object.fromEntries(Object.entries(doc).filter(([name]) => name !== '_type' && !hidden.includes(name)))
}
