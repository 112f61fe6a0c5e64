import type { Documents } from '#ground/documents/contract'
import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import { type Access, type Entry, FILES } from '#rooms/files'
import { isPublic } from './event-text.ts'
import type { Target } from './messages.ts'

const SETTINGS = 'io.cozy.settings'
/** Events of no stored document, whose rights are those of another doctype. */
const RIGHTS_OF: Record<string, string> = { 'io.cozy.files.thumbnails': FILES, 'io.cozy.notes.events': FILES }
/** Nothing in them that a valid token should not know. */
const FREE = new Set(['io.cozy.sharings.initial_sync', 'io.cozy.auth.confirmations'])

/**
 * Whether an actor may listen (`protocol/realtime.md` §4): the whole type, or a rule naming the id; for files also those of
 * the tree. Selectors do not count: they look at a document, and which one will change is not known yet.
 */
export async function maySubscribe(
  { documents, access }: { documents: Documents; access: Access },
  tenant: Tenant,
  actor: Actor,
  { type, id }: Pick<Target, 'type' | 'id'>,
): Promise<boolean> {
  if (!isPublic(type)) return false
  if (FREE.has(type)) return true
  const { grant } = actor
  const doctype = Object.hasOwn(RIGHTS_OF, type) ? RIGHTS_OF[type]! : type
  if (grant.allowsWholeType('GET', doctype)) return true
  if (id === '') return false
  const asked = doctype === SETTINGS && id === `${SETTINGS}.passphrase` ? `${SETTINGS}.instance` : id
  if (grant.allowsId('GET', doctype, asked)) return true
  if (doctype !== FILES || !isDocumentId(id)) return false
  const stored = await documents.of(tenant).get(FILES, id)
  if (!stored || stored.deleted) return false
  return access.may(tenant, actor, 'GET', { ...(stored.body as unknown as Entry), _id: id })
}

/** What the store would refuse to look for. */
const isDocumentId = (id: string) => !id.startsWith('_') && id.length <= 1024 && !/\0|\p{Surrogate}/u.test(id)
