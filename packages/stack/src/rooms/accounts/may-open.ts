import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import type { Owner } from './secrets/vault.ts'

export interface MayOpenDeps {
  /** The konnector of an account type, when it is one of the operator's. */
  konnectorOfType(tenant: Tenant, type: string): Promise<string | undefined>
}

/** Says whether an actor sees the secrets of an account. Narrower than upstream, where any konnector sees all. */
export type MayOpen = (tenant: Tenant, actor: Actor, account: Owner, query?: Record<string, string>) => Promise<boolean>

/**
 * - The token of a konnector's run opens the account it runs for.
 * - A konnector's token that names no account opens those whose type is its slug, or an account type of it.
 * - A service of an app (an app token without session, which only the server makes) opens with `?include=credentials`;
 *   the app in a browser never does.
 */
export function createMayOpen({ konnectorOfType }: MayOpenDeps): MayOpen {
  return async (tenant, actor, account, query = {}) => {
    if (actor.kind === 'app') return actor.sessionId === undefined && query.include === 'credentials'
    if (actor.kind !== 'konnector') return false
    if (actor.accountId !== undefined) return actor.accountId === account.id
    const slug = actor.slug ?? actor.subject
    if (account.type === undefined) return false
    return account.type === slug || (await konnectorOfType(tenant, account.type)) === slug
  }
}
