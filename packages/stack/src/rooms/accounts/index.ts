import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { Body } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { Data } from '#rooms/data'
import type { Instances } from '#rooms/instances'
import { ACCOUNTS, isObject, SOFT_DELETED } from './account.ts'
import { createAccountStore } from './account-store.ts'
import { createAccountWriting } from './account-writing.ts'
import { accountBehaviour } from './behaviour.ts'
import { createMayOpen } from './may-open.ts'
import { createConsent } from './oauth/consent.ts'
import { createFlowStore } from './oauth/flow-store.ts'
import { createFlows } from './oauth/flows.ts'
import { createRefresh } from './oauth/refresh.ts'
import type { TokenRequestOptions } from './oauth/token-endpoint.ts'
import { resealAccounts } from './reseal.ts'
import { accountTypeRoutes } from './routes/admin.ts'
import { consentRoutes } from './routes/consent.ts'
import { refreshRoute } from './routes/refresh.ts'
import { createVault, ownerOf, secretContext } from './secrets/vault.ts'
import { createSoftDeletion } from './soft-deletion.ts'
import { createAccountTypes } from './types/service.ts'
import { createTypeStore } from './types/type-store.ts'

export { ACCOUNTS, SOFT_DELETED } from './account.ts'
export type { AccountWriting } from './account-writing.ts'
export type { DeletedAccount, DeletionListener } from './soft-deletion.ts'
export type { AccountType, GivenType } from './types/account-type.ts'
export type { AccountTypes, ListedType } from './types/service.ts'

/** Tables of this room. */
export const migrations: MigrationSource = { room: 'accounts', folder: join(import.meta.dirname, 'migrations') }

/** What this room needs of those above it. */
export interface AccountsDeps {
  instances: Pick<Instances, 'byId' | 'subdomains' | 'archive'>
  data: Pick<Data, 'behave'>
  tokenRequest?: TokenRequestOptions
}

/** Credentials of people at vendors: sealed at rest, opened for the konnector they are of, fetched and refreshed by OAuth. */
export function createAccounts(ground: Ground, { instances, data, tokenRequest }: AccountsDeps) {
  const { clock, database, documents, keyring, log } = ground
  const vault = createVault({ keyring, log })
  const types = createAccountTypes({
    store: createTypeStore(database.query),
    keyring,
    clock,
    contextOf: async ({ id }) => (await instances.byId(id))?.context,
  })
  const mayOpen = createMayOpen(types)
  const softDeletion = createSoftDeletion({ documents, vault })
  const writing = createAccountWriting({ documents, vault, clock })
  const flows = createFlows({ store: createFlowStore(database.query), keyring, clock })
  const store = createAccountStore(database.query)
  const { subdomains } = instances
  const consent = createConsent({ types, flows, writing, store, clock, log, subdomains, tokenRequest })
  const refresh = createRefresh({ types, writing, vault, clock, log, tokenRequest })
  const { portable } = instances.archive
  for (const table of ['docs', 'leaves']) {
    for (const doctype of [ACCOUNTS, SOFT_DELETED]) {
      const context = ({ id, doc }: Body) => secretContext(ownerOf(String(id), isObject(doc) ? doc : {}))
      portable.sealed({ table, doctype, context })
    }
  }
  portable.ephemeral('account_flows')
  data.behave(ACCOUNTS, accountBehaviour({ documents, clock, vault, mayOpen, softDeletion }))

  const routes: Route[] = [...consentRoutes({ consent, types }), refreshRoute({ documents, vault, mayOpen, refresh })]
  return {
    ...writing,
    types,
    /** The account's content with its secrets, for the server's own use. Undefined when there is none. */
    async open(tenant: Tenant, id: string) {
      const stored = await documents.of(tenant).get(ACCOUNTS, id)
      return stored && !stored.deleted ? vault.open(tenant, ownerOf(id, stored.body), stored.body) : undefined
    },
    onDeleted: softDeletion.onDeleted,
    /** Removes the copy of a deleted account, once its cleaning run went well. */
    removeSoftDeleted: softDeletion.remove,
    /** Seals all accounts of an instance with its present key; for `keyring.rotateTenantKey`. @returns how many changed */
    reseal: (tenant: Tenant) => resealAccounts({ documents, keyring, vault }, tenant),
    /**
     * Where to send a browser that came to a callback host shared by all instances: the same path on the instance whose state
     * it brings, where its session can be checked. Undefined for a state of nobody.
     */
    async relay(type: string, query: URLSearchParams): Promise<string | undefined> {
      const id = await flows.instanceOf(query.get('state') ?? '')
      const instance = id === undefined ? undefined : await instances.byId(id)
      return instance && `${instance.url}accounts/${encodeURIComponent(type)}/redirect?${query}`
    },
    routes,
    adminRoutes: accountTypeRoutes(types),
    migrations,
  }
}

export type Accounts = ReturnType<typeof createAccounts>
