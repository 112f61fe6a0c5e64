import { CouchError, forbidden } from '../http/errors.ts'

/** Neither read nor written through `/data` (`protocol/data.md` section 1). */
const CLOSED = new Set(
  `instances io.cozy.account_types io.cozy.konnectors.maintenance io.cozy.remote.secrets
  io.cozy.sessions io.cozy.permissions io.cozy.intents io.cozy.oauth.clients io.cozy.oauth.access_codes io.cozy.files.archives
  io.cozy.sharings io.cozy.shared io.cozy.accounts.soft_deleted
  io.cozy.certified.carbon_copy io.cozy.certified.electronic_safe io.cozy.files.sizes io.cozy.triggers.state io.cozy.sharings.answer
  io.cozy.sharings.moved io.cozy.sharings.initial_sync io.cozy.support com.bitwarden.profiles io.cozy.office.url io.cozy.notes.url
  io.cozy.notes.events io.cozy.notes.telepointers io.cozy.apps.open io.cozy.auth.confirmations io.cozy.jobs.events
  io.cozy.files.thumbnails io.cozy.apps.logs`.split(/\s+/),
)

/** Read, not written, through `/data`. */
const READ_ONLY = new Set(
  `io.cozy.jobs io.cozy.triggers io.cozy.apps io.cozy.konnectors io.cozy.files io.cozy.files.versions io.cozy.notifications
  io.cozy.remote.requests io.cozy.sessions.logins io.cozy.notes.steps io.cozy.notes.images com.bitwarden.contacts`.split(
    /\s+/,
  ),
)

/** @throws PlainError 403 when the name is malformed or the doctype may not be read here */
export function checkReadable(doctype: string): void {
  if (!/^[a-z0-9_](?:[a-z0-9_.]*[a-z0-9_])?$/.test(doctype) || doctype.includes('..')) {
    throw forbidden(`\`${doctype}\` is not a valid doctype name`)
  }
  if (CLOSED.has(doctype)) throw forbidden(`reserved doctype \`${doctype}\` unreadable`)
}

/** @throws PlainError 403 when the doctype may not be written here */
export function checkWritable(doctype: string): void {
  checkReadable(doctype)
  if (READ_ONLY.has(doctype)) throw forbidden(`reserved doctype \`${doctype}\` unwritable`)
}

/** Drops `_type`, which clients send back; refuses the special members that CouchDB refuses. */
export function checkMembers(doc: Record<string, unknown>, allowed: string[]): Record<string, unknown> {
  const { _type, ...rest } = doc
  const special = Object.keys(rest).find(name => name.startsWith('_') && !allowed.includes(name))
  if (special) throw new CouchError(400, 'doc_validation', `Bad special document member: ${special}`)
  return rest
}
