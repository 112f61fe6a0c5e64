import type { DocumentTransaction } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { badRequest, forbidden, missing } from '#ground/http/errors'
import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import { assertCovered, assertGivable } from './giving.ts'
import { touchedMetadata } from './metadata.ts'
import { assertMayEnd, mayChangeRules } from './ownership.ts'
import { readRule } from './read-rules.ts'
import type { PermissionRecord } from './record.ts'
import { malformedScope } from './rules.ts'
import { codeDigest } from './share-codes.ts'
import { parseExpiry } from './share-life.ts'
import { hashPassword, readPassword } from './share-password.ts'
import { withoutRule, withRule } from './sources.ts'
import { findRecord, releaseCodes, updateRecord } from './store.ts'
import { changing } from './transactions.ts'

/** The attributes of a PATCH, as they came. */
export type Patch = Record<string, unknown>

/**
 * Changes a permission document (`protocol/permissions.md` §6): its rules, or what stands around a share's.
 * @throws JsonApiError 400 for both at once or nothing, 422; HttpError 403, 400 for rules that cannot be read; CouchError 404
 */
export async function patchRecord(
  { documents, clock }: Pick<Ground, 'documents' | 'clock'>,
  tenant: Tenant,
  actor: Actor,
  id: string,
  patch: Patch,
): Promise<PermissionRecord> {
  const changesRules = isGiven(patch.permissions)
  const changesShare = isGiven(patch.codes) || isGiven(patch.password) || isGiven(patch.expires_at)
  if (changesRules === changesShare) {
    throw badRequest(
      changesRules
        ? 'rules and codes are changed one after the other'
        : 'the patch changes nothing: no rules, no codes',
    )
  }
  const password = await newPassword(patch.password, async () => {
    const record = await findRecord(documents.of(tenant), id)
    if (record) assertMayEnd(actor, record)
  })
  return changing(documents, tenant, undefined, async writer => {
    const record = await findRecord(writer, id)
    if (!record) throw missing()
    const changed = changesRules
      ? withRules(actor, record, patch.permissions)
      : await withShare(writer, actor, record, patch, password)
    const cozyMetadata = isObject(patch.cozyMetadata)
      ? patch.cozyMetadata
      : touchedMetadata(record.cozyMetadata, tenant, clock.now(), actor.slug)
    return updateRecord(writer, { ...changed, cozyMetadata })
  })
}

/** In the order of the patch: a rule without type takes the one of its title away, any other is added. */
function withRules(actor: Actor, record: PermissionRecord, permissions: unknown): PermissionRecord {
  if (!mayChangeRules(actor, record)) throw forbidden()
  if (!isObject(permissions)) throw malformedScope()
  return Object.entries(permissions).reduce((changed, [title, json]) => {
    if (isObject(json) && !isGiven(json.type)) return withoutRule(changed, title)
    const rule = readRule(title, json)
    assertCovered(actor, rule)
    assertGivable(record.type, rule)
    return withRule(changed, rule)
  }, record)
}

/** `codes` are those to keep; an empty password or date takes it away. */
async function withShare(
  writer: DocumentTransaction,
  actor: Actor,
  record: PermissionRecord,
  { codes, password, expires_at }: Patch,
  passwordHash: string | undefined,
): Promise<PermissionRecord> {
  assertMayEnd(actor, record)
  return {
    ...record,
    ...(isGiven(codes) && (await keptCodes(writer, record, codes))),
    ...(isGiven(password) && { passwordHash }),
    ...(isGiven(expires_at) && { expiresAt: expires_at === '' ? undefined : parseExpiry(expires_at) }),
  }
}

/** Before the transaction, since it takes its time; and only for who may, since it takes ours. */
async function newPassword(given: unknown, assertMay: () => Promise<void>): Promise<string | undefined> {
  if (!isGiven(given) || given === '') return undefined
  await assertMay()
  return hashPassword(readPassword(given))
}

async function keptCodes(writer: DocumentTransaction, record: PermissionRecord, codes: unknown) {
  if (!isObject(codes)) throw badRequest('codes is an object: its names are those of the codes to keep')
  const kept = (texts: Readonly<Record<string, string>>, keep: boolean) =>
    Object.fromEntries(Object.entries(texts).filter(([name]) => Object.hasOwn(codes, name) === keep))
  const gone = [
    ...Object.values(kept(record.codes, false)).map(codeDigest),
    ...Object.values(kept(record.shortcodes, false)),
  ]
  await releaseCodes(writer, record.id, gone)
  return { codes: kept(record.codes, true), shortcodes: kept(record.shortcodes, true) }
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
