import type { Actor } from '#ground/http/grant'
import { rulesOf } from './grant.ts'
import { presentRules } from './read-rules.ts'
import { PERMISSIONS, type PermissionRecord } from './record.ts'

/** A permission document as JSON:API. The password is never shown, only that there is one. */
export function presentRecord(record: PermissionRecord, { codes = true }: { codes?: boolean } = {}): object {
  const { id, rev, type, sourceId, rules, expiresAt, passwordHash, cozyMetadata } = record
  const hasCodes = codes && type.startsWith('share')
  return {
    type: PERMISSIONS,
    id,
    attributes: {
      type,
      source_id: sourceId,
      permissions: presentRules(rules),
      ...(hasCodes && { codes: record.codes, shortcodes: record.shortcodes }),
      ...(expiresAt && { expires_at: expiresAt }),
      ...(passwordHash && { password: true }),
      ...(cozyMetadata && { cozyMetadata }),
    },
    meta: { rev },
    links: {
      self: `/permissions/${encodeURIComponent(id)}`,
      ...(sourceId.startsWith('io.cozy.sharings/') && {
        related: `/sharings/${encodeURIComponent(sourceId.slice('io.cozy.sharings/'.length))}`,
      }),
    },
  }
}

/** The set of a token that no document stands behind. */
export function presentGrant(actor: Actor, sourceId: string | undefined): object {
  return {
    type: PERMISSIONS,
    id: '',
    attributes: {
      type: actor.kind,
      ...(sourceId && { source_id: sourceId }),
      permissions: presentRules(rulesOf(actor.grant)),
    },
    meta: {},
    links: { self: '/permissions/self' },
  }
}

/**
 * A stored permission document, as the news carry it, for listeners: without what only this room reads, without codes (they
 * open the share), and of the password only that there is one.
 */
export function shownDocument(doc: Record<string, unknown>): Record<string, unknown> {
  const { order: _order, added: _added, codes: _codes, shortcodes: _shortcodes, password, ...shown } = doc
  return password === undefined ? shown : { ...shown, password: true }
}
