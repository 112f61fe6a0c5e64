import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { Instances } from '#rooms/instances'
import type { Permissions } from '#rooms/permissions'
import { createAuthenticate } from './authenticate.ts'
import { createRegistering } from './authenticate-registering.ts'
import { tokenOf } from './authenticate-request.ts'
import { CLIENTS } from './client-record.ts'
import { clientStore } from './client-store.ts'
import { clientTokens } from './client-tokens.ts'
import { createClients } from './clients.ts'
import { createCodes } from './codes.ts'
import { createMint } from './mint.ts'
import type { LinkedApps } from './registration.ts'
import { accessTokenRoute } from './routes/access-token.ts'
import { adminRoutes } from './routes/admin.ts'
import { authorizeRoutes } from './routes/authorize.ts'
import { registerRoutes } from './routes/register.ts'

export { CLIENTS, type Client, type ClientRecord } from './client-record.ts'
export type { Clients } from './clients.ts'
export type { Mint, MintRequest } from './mint.ts'
export { type Audience, type Claims, expiredToken, invalidToken } from './tokens.ts'

/** Tables of this room. */
export const migrations: MigrationSource = { room: 'oauth', folder: join(import.meta.dirname, 'migrations') }

export interface OAuthDependencies {
  instances: Instances
  permissions: Permissions
}

/** Who is this actor: clients, consent, tokens. */
export function createOAuth(ground: Ground, { instances, permissions }: OAuthDependencies) {
  const { documents } = ground
  const clients = createClients(ground)
  const codes = createCodes(ground)
  const mint = createMint({ clock: ground.clock, keys: instances })
  const authenticate = createAuthenticate(ground, { instances, permissions })
  const tokens = clientTokens({ clock: ground.clock, keys: instances, mint })
  let linkedApps: LinkedApps | undefined
  const { portable } = instances.archive
  portable.sealed({ table: 'oauth_clients', context: ({ client_id }) => `oauth-client:${client_id}` })
  portable.ephemeral('oauth_codes')
  let clientsLimit = async (_tenant: Tenant): Promise<number | undefined> => undefined

  // However a client goes, its secret and its codes go in the same transaction.
  documents.onChange(
    async (changes, writer) => {
      const gone = changes.filter(({ verb, document }) => verb === 'DELETED' && document.doctype === CLIENTS)
      if (gone.length > 0)
        await clientStore.remove(
          writer.query,
          writer.tenant,
          gone.map(({ document }) => document.id),
        )
    },
    (_tenant, doctype) => doctype === CLIENTS,
  )

  const routes: Route[] = [
    ...registerRoutes({
      rates: instances.rates,
      clients,
      linkedApps: () => linkedApps,
      registrationToken: tokens.registration,
    }),
    ...authorizeRoutes({ clients, codes, clientsLimit: tenant => clientsLimit(tenant) }),
    accessTokenRoute({ clients, codes, tokens }),
  ]
  return {
    authenticate,
    /** The token of a request, wherever it stands. */
    tokenOf,
    /** The actor of an onboarding's `registerToken`. */
    registering: createRegistering(instances.passphrase),
    mint,
    clients,
    routes,
    adminRoutes: adminRoutes({ instances, clients, mint }),
    migrations,

    /** The registry says which applications a client may be linked to; until then none. */
    linkApps(exists: LinkedApps): void {
      linkedApps = exists
    },
    /** The settings say how many connected devices an instance may have; until then any number. */
    limitClients(limit: typeof clientsLimit): void {
      clientsLimit = limit
    },
    /** Most connected devices of an instance; undefined: any number. */
    clientsLimit: (tenant: Tenant) => clientsLimit(tenant),

    /**
     * Takes away what nobody came back for, of all instances: clients without a code after an hour, codes after ten minutes.
     * To be called every few minutes, by one process or by several.
     */
    async housekeeping(): Promise<{ clients: number; codes: number }> {
      let removed = 0
      for (const { instanceId, clientId } of await clients.expired()) {
        const instance = await instances.byId(instanceId)
        if (instance && (await clients.remove(instance, clientId))) removed++
      }
      return { clients: removed, codes: await codes.removeExpired() }
    },

    [Symbol.dispose]: () => authenticate[Symbol.dispose](),
  }
}

export type OAuth = ReturnType<typeof createOAuth>
