import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import type { Instance, Instances } from '#rooms/instances'
import { grantOf } from '#rooms/permissions'

/** What somebody may see who has not yet chosen a passphrase (`protocol/permissions.md` §2). */
const GRANT = grantOf([{ type: 'io.cozy.settings', verbs: ['GET'], values: ['io.cozy.settings.instance'] }])

/**
 * The actor of a request with a valid `registerToken` in its query: an instance that is being set up.
 * @returns undefined without one, and for one that is wrong or used
 */
export function createRegistering(passphrase: Pick<Instances['passphrase'], 'isRegisterToken'>) {
  return async (tenant: Tenant, query: Record<string, unknown>): Promise<Actor | undefined> => {
    const { registerToken } = query
    if (typeof registerToken !== 'string' || !/^([0-9a-f]{2}){8,64}$/i.test(registerToken)) return undefined
    if (!(await passphrase.isRegisterToken(tenant as Instance, registerToken))) return undefined
    return { kind: 'register', subject: 'register', grant: GRANT }
  }
}
