import type { Body, StoredDocument } from '#ground/documents/contract'
import { presentRules, readRule } from './read-rules.ts'
import type { PermissionSet, Rule } from './rules.ts'

export const PERMISSIONS = 'io.cozy.permissions'

/** Of an installed app or konnector, or of something shared by a link. */
export type PermissionType = 'app' | 'konnector' | ShareType
export type ShareType = 'share' | 'share-preview' | 'share-interact'

/** A permission document (`protocol/permissions.md` §2), read. */
export interface PermissionRecord {
  id: string
  rev: string
  type: PermissionType
  /** Whose it is: `io.cozy.konnectors/<slug>`, `io.cozy.apps/<slug>`, `io.cozy.oauth.clients/<id>`. */
  sourceId: string
  rules: PermissionSet
  /** Titles of rules that came after the manifest's: they outlive an update. */
  added: readonly string[]
  /** Name → share token, and name → what stands for it in short. */
  codes: Readonly<Record<string, string>>
  shortcodes: Readonly<Record<string, string>>
  /** RFC 3339. */
  expiresAt?: string | undefined
  /** As `share-password.ts` writes it. */
  passwordHash?: string | undefined
  cozyMetadata?: Record<string, unknown> | undefined
}

export type NewRecord = Omit<PermissionRecord, 'id' | 'rev'>

export const isShare = ({ type }: Pick<PermissionRecord, 'type'>): boolean => type.startsWith('share')

/**
 * The document of an app or konnector has the name of its owner as its id: there is one at most, and finding it is reading it.
 */
export const sourceIdOf = (type: 'app' | 'konnector', slug: string): string =>
  `${type === 'app' ? 'io.cozy.apps' : 'io.cozy.konnectors'}/${slug}`

/**
 * What is stored. The rules are an object as everywhere, for who reads the document itself; its order, which the database
 * does not keep, stands in `order`. `added` and `order` are not shown.
 */
export function bodyOf(record: NewRecord): Body {
  const { type, sourceId, rules, added, codes, shortcodes, expiresAt, passwordHash, cozyMetadata } = record
  const permissions = presentRules(rules)
  return {
    type,
    source_id: sourceId,
    permissions,
    order: Object.keys(permissions),
    ...(added.length > 0 && { added: [...added] }),
    ...(isShare(record) && { codes: { ...codes }, shortcodes: { ...shortcodes } }),
    ...(expiresAt && { expires_at: expiresAt }),
    ...(passwordHash && { password: passwordHash }),
    ...(cozyMetadata && { cozyMetadata }),
  }
}

/** Reads what `bodyOf` wrote. */
export function recordOf({ id, rev, body }: StoredDocument): PermissionRecord {
  return {
    id,
    rev,
    type: body.type as PermissionType,
    sourceId: textOf(body.source_id) ?? '',
    rules: storedRules(body),
    added: listOf(body.added),
    codes: textsOf(body.codes),
    shortcodes: textsOf(body.shortcodes),
    expiresAt: textOf(body.expires_at),
    passwordHash: textOf(body.password),
    cozyMetadata: objectOf(body.cozyMetadata),
  }
}

function storedRules({ permissions, order }: Body): Rule[] {
  const stored = objectOf(permissions) ?? {}
  const titles = listOf(order).filter(title => Object.hasOwn(stored, title))
  // A document brought from elsewhere may know no order.
  const all = [...new Set([...titles, ...Object.keys(stored)])]
  return all.map(title => readRule(title, stored[title]))
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const listOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined

const textsOf = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(objectOf(value) ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
