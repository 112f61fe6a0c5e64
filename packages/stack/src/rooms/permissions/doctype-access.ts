import { forbidden } from '#ground/http/errors'
import { isDoctype, typeMatches } from './doctype-name.ts'

/** Neither read nor written through `/data` (`protocol/data.md` §1): of the server, of all instances, or no documents at all. */
const CLOSED = `instances io.cozy.account_types io.cozy.konnectors.maintenance io.cozy.remote.secrets
  io.cozy.sessions io.cozy.permissions io.cozy.intents io.cozy.oauth.clients io.cozy.oauth.access_codes io.cozy.files.archives
  io.cozy.sharings io.cozy.shared io.cozy.accounts.soft_deleted
  io.cozy.certified.carbon_copy io.cozy.certified.electronic_safe io.cozy.files.sizes io.cozy.triggers.state io.cozy.sharings.answer
  io.cozy.sharings.moved io.cozy.sharings.initial_sync io.cozy.support com.bitwarden.profiles io.cozy.office.url io.cozy.notes.url
  io.cozy.notes.events io.cozy.notes.telepointers io.cozy.apps.open io.cozy.auth.confirmations io.cozy.jobs.events
  io.cozy.files.thumbnails io.cozy.apps.logs`.split(/\s+/)

/** Read, not written, through `/data`. */
const READ_ONLY = `io.cozy.jobs io.cozy.triggers io.cozy.apps io.cozy.konnectors io.cozy.files io.cozy.files.versions
  io.cozy.notifications io.cozy.remote.requests io.cozy.sessions.logins io.cozy.notes.steps io.cozy.notes.images
  com.bitwarden.contacts`.split(/\s+/)

const UNWRITABLE = [...CLOSED, ...READ_ONLY]

/** @throws HttpError 403 for what is no doctype */
export function assertDoctype(doctype: string): void {
  if (!isDoctype(doctype)) throw forbidden(`\`${doctype}\` is not a valid doctype name`)
}

/**
 * What may be given away by a share: files, and what `/data` lets anybody write. A wildcard must not take in any other.
 * @throws HttpError 403
 */
export function assertShareable(type: string): void {
  if (type === 'io.cozy.files') return
  const isOurs = /^konnectory(\.|$)/.test(type)
  const reserved = isOurs ? type : UNWRITABLE.find(doctype => typeMatches(type, doctype))
  if (reserved) throw forbidden(`reserved doctype \`${reserved}\` unwritable`)
}
