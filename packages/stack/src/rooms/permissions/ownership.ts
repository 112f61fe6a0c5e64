import { forbidden, HttpError } from '#ground/http/errors'
import type { Actor } from '#ground/http/grant'
import { coversAll } from './covers.ts'
import { rulesOf } from './grant.ts'
import { isShare, type PermissionRecord, sourceIdOf } from './record.ts'

/** Verbs one of which, on all konnectors, makes a token one that manages them: home, store, a harvest UI. */
const MANAGING = ['POST', 'PUT', 'PATCH'] as const

/** Whose documents an actor's are: the source of what it makes. Undefined for who makes none. */
export function sourceOf(actor: Actor): string | undefined {
  switch (actor.kind) {
    case 'app':
      return sourceIdOf('app', actor.subject)
    case 'konnector':
      return sourceIdOf('konnector', actor.subject)
    case 'oauth':
      // A linked client acts as the app whose rules it has.
      return actor.permissionId ?? `io.cozy.oauth.clients/${actor.subject}`
    case 'cli':
      return 'io.cozy.cli'
    case 'share':
    case 'register':
      return undefined
  }
}

const hasSource = (actor: Actor, { sourceId }: PermissionRecord): boolean => {
  const source = sourceOf(actor)
  return source !== undefined && source === sourceId
}

/** Its own document, one of the same source; nobody else but who may do everything. */
export const mayRead = (actor: Actor, record: PermissionRecord): boolean =>
  actor.grant.maximal || actor.permissionId === record.id || hasSource(actor, record)

/**
 * A code opens all that its document allows: it is shown to who made it, and to who could do all of that already; to the visitors
 * of a share never.
 */
export const maySeeCodes = (actor: Actor, record: PermissionRecord): boolean =>
  actor.kind !== 'share' && (mayRead(actor, record) || coversAll(rulesOf(actor.grant), record.rules))

/**
 * Whether an actor may add rules to a document, and take some away. Upstream lets anybody (`protocol/permissions.md` §6): here
 * it takes the owner, or a token that manages what the document belongs to, or permissions. Administrators' tokens pass
 * (`protocol/auth.md` §6); the visitors of a share never do.
 */
export function mayChangeRules(actor: Actor, record: PermissionRecord): boolean {
  const { grant, kind } = actor
  if (kind === 'share' || kind === 'register') return false
  if (grant.maximal || kind === 'cli' || hasSource(actor, record)) return true
  const owners = { app: ['io.cozy.apps'], konnector: ['io.cozy.konnectors'] }[record.type as string] ?? []
  return ['io.cozy.permissions', ...owners].some(doctype => MANAGING.some(verb => grant.allowsWholeType(verb, doctype)))
}

/**
 * Who may end a share, or change what stands around its rules: apps and OAuth clients of the same source, or who could do all
 * that it allows; administrators.
 * @throws HttpError 403
 */
export function assertMayEnd(actor: Actor, record: PermissionRecord): void {
  const { grant, kind } = actor
  const isParent =
    kind === 'cli' ||
    ((kind === 'app' || kind === 'oauth') &&
      (grant.maximal || hasSource(actor, record) || coversAll(rulesOf(grant), record.rules)))
  if (!isShare(record) || !isParent) throw notParent()
}

export const notParent = () => forbidden('Permissions can be updated only by its parent')
export const largerSet = () => forbidden('Attempt to create a larger permission set')
export const notForCreating = () => new HttpError(403, 'Only apps can create sharing permissions')
