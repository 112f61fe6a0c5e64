import { forbidden } from '#ground/http/errors'

/** Neither read nor written through `/data` (`protocol/data.md` §1): global, the server's own, and those that no database holds. */
const CLOSED = new Set([
  'instances',
  'io.cozy.account_types',
  'io.cozy.konnectors.maintenance',
  'io.cozy.remote.secrets',
  'io.cozy.sessions',
  'io.cozy.permissions',
  'io.cozy.intents',
  'io.cozy.oauth.clients',
  'io.cozy.oauth.access_codes',
  'io.cozy.files.archives',
  'io.cozy.sharings',
  'io.cozy.shared',
  'io.cozy.accounts.soft_deleted',
  'io.cozy.certified.carbon_copy',
  'io.cozy.certified.electronic_safe',
  'io.cozy.files.sizes',
  'io.cozy.triggers.state',
  'io.cozy.sharings.answer',
  'io.cozy.sharings.moved',
  'io.cozy.sharings.initial_sync',
  'io.cozy.support',
  'com.bitwarden.profiles',
  'io.cozy.office.url',
  'io.cozy.notes.url',
  'io.cozy.notes.events',
  'io.cozy.notes.telepointers',
  'io.cozy.apps.open',
  'io.cozy.auth.confirmations',
  'io.cozy.jobs.events',
  'io.cozy.files.thumbnails',
  'io.cozy.apps.logs',
])

/** Read, not written, through `/data`. */
const READ_ONLY = new Set([
  'io.cozy.jobs',
  'io.cozy.triggers',
  'io.cozy.apps',
  'io.cozy.konnectors',
  'io.cozy.files',
  'io.cozy.files.versions',
  'io.cozy.notifications',
  'io.cozy.remote.requests',
  'io.cozy.sessions.logins',
  'io.cozy.notes.steps',
  'io.cozy.notes.images',
  'com.bitwarden.contacts',
])

/** With an id it must fit an entry of the database's index. */
const LONGEST = 200

/** @throws HttpError 403 for what is no name of a doctype */
export function assertDoctype(doctype: string): void {
  const valid = /^[a-z0-9_](?:[a-z0-9_.]*[a-z0-9_])?$/.test(doctype) && !doctype.includes('..')
  if (!valid || doctype.length > LONGEST) throw forbidden(`\`${doctype}\` is not a valid doctype name`)
}

/** Names under which the server tells itself something in the news: a document of theirs would be taken for that. */
const OURS = /^konnectory(\.|$)/

/** Whether the doctype may be read through `/data`, as far as the doctype decides it. */
export const isReadable = (doctype: string): boolean => !CLOSED.has(doctype) && !OURS.test(doctype)

/** Whether the doctype may be written through `/data`; also which doctypes a share may give away (`protocol/permissions.md` §6). */
export const isWritable = (doctype: string): boolean => isReadable(doctype) && !READ_ONLY.has(doctype)

/** @throws HttpError 403 when the name is malformed or the doctype may not be read here */
export function assertReadable(doctype: string): void {
  assertDoctype(doctype)
  if (!isReadable(doctype)) throw forbidden(`reserved doctype \`${doctype}\` unreadable`)
}

/** @throws HttpError 403 when the name is malformed or the doctype may not be written here */
export function assertWritable(doctype: string): void {
  assertDoctype(doctype)
  if (!isWritable(doctype)) throw forbidden(`reserved doctype \`${doctype}\` unwritable`)
}
