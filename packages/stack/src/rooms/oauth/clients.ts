import type { DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import { newId } from '#ground/documents/identifiers'
import type { Ground } from '#ground/ground'
import { CouchError, ShapedError } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { CLIENTS, type Client, type ClientMetadata, type ClientRecord } from './client-record.ts'
import { clientStore } from './client-store.ts'
import { registrationError } from './oauth-errors.ts'
import { newSecret, sameSecret } from './secrets.ts'

/** How long a client may stay without a code (`protocol/auth.md` §3). */
export const PENDING_LIFE_MS = 3_600_000
/** Clients removed per round of housekeeping; the next round takes the rest. */
const EXPIRED_AT_ONCE = 1000
/** How often a change of the server's own is tried again when the client changes at the same moment. */
const TRIES = 5

/** Registered clients of OAuth: documents, with their secrets beside them. */
export function createClients({ documents, database, keyring, clock }: Ground) {
  const context = (id: string) => `oauth-client:${id}`
  const seal = (tenant: Tenant, id: string, secret: string) => keyring.seal(tenant.id, context(id), secret)

  const find = async (tenant: Tenant, id: string): Promise<Client | undefined> => {
    // No id that could be none of ours goes to the store, which would answer with an error of its own.
    if (!/^[0-9a-f]{1,64}$/.test(id)) return undefined
    const document = await documents.of(tenant).get(CLIENTS, id)
    return document && !document.deleted ? clientOf(document) : undefined
  }

  const secretOf = async (tenant: Tenant, id: string): Promise<string | undefined> => {
    const sealed = await clientStore.secret(database.query, tenant, id)
    return sealed === undefined ? undefined : keyring.open(tenant.id, context(id), sealed)
  }

  /** A change that the server makes: tried again when somebody else was quicker. */
  const patch = async (tenant: Tenant, id: string, change: (record: ClientRecord) => ClientRecord) => {
    for (let tried = 1; ; tried++) {
      const client = await find(tenant, id)
      if (!client) return undefined
      const { id: _, rev, ...record } = client
      try {
        return clientOf(await documents.of(tenant).update(CLIENTS, id, rev, { ...change(record) }))
      } catch (error) {
        if (!(error instanceof CouchError) || error.status !== 409 || tried >= TRIES) throw error
      }
    }
  }

  return {
    find,
    secretOf,

    /** Whether the secret is the client's; also no for a client that is not there. */
    async hasSecret(tenant: Tenant, id: string, given: string): Promise<boolean> {
      const secret = await secretOf(tenant, id)
      return secret !== undefined && sameSecret(secret, given)
    },

    /** Registers a client. A name that is taken gets a number. @returns it with its secret */
    async create(
      tenant: Tenant,
      metadata: ClientMetadata,
      { pending, allowLoginScope = false }: { pending: boolean; allowLoginScope?: boolean },
    ): Promise<{ client: Client; secret: string }> {
      const now = clock.now()
      const id = newId(now.getTime())
      const secret = newSecret()
      const sealed = await seal(tenant, id, secret)
      const stored = await documents.transaction(tenant, async writer => {
        const record: ClientRecord = {
          ...metadata,
          client_name: await freeName(writer, metadata.client_name, undefined),
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          ...(pending && { pending: true as const }),
          ...(allowLoginScope && { allow_login_scope: true as const }),
          cozyMetadata: {},
        }
        const expiresAt = pending ? new Date(now.getTime() + PENDING_LIFE_MS) : undefined
        await clientStore.insert(writer.query, tenant, id, sealed, expiresAt)
        return writer.create(CLIENTS, { ...record }, id)
      })
      return { client: clientOf(stored), secret }
    },

    /**
     * Replaces what a client says about itself; what the server knows of it stays.
     * @param given the secret in the request: absent keeps it, the current one asks for another
     * @returns the client with the secret it has from now on
     * @throws ShapedError `invalid_client_secret`, 409 `conflict`
     */
    async replace(
      tenant: Tenant,
      client: Client,
      metadata: ClientMetadata,
      given: string | undefined,
    ): Promise<{ client: Client; secret: string }> {
      const current = await secretOf(tenant, client.id)
      if (current === undefined) throw new ShapedError(404, { error: 'Client not found' })
      if (given !== undefined && !sameSecret(given, current)) {
        throw registrationError('invalid_client_secret', 'The client secret is not the current one.')
      }
      const secret = given === undefined ? current : newSecret()
      const sealed = given === undefined ? undefined : await seal(tenant, client.id, secret)
      const { id, rev, grant_types, response_types, pending, allow_login_scope, cozyMetadata } = client
      const { last_refreshed_at, synchronized_at } = client
      const stored = await documents
        .transaction(tenant, async writer => {
          const record: ClientRecord = {
            ...metadata,
            client_name: await freeName(writer, metadata.client_name, id),
            grant_types,
            response_types,
            ...(pending && { pending }),
            ...(allow_login_scope && { allow_login_scope }),
            ...(last_refreshed_at !== undefined && { last_refreshed_at }),
            ...(synchronized_at !== undefined && { synchronized_at }),
            cozyMetadata,
          }
          if (sealed !== undefined) await clientStore.setSecret(writer.query, tenant, id, sealed)
          return writer.update(CLIENTS, id, rev, { ...record })
        })
        .catch(error => {
          if (error instanceof CouchError && error.status === 409) throw new ShapedError(409, { error: 'conflict' })
          throw error
        })
      return { client: clientOf(stored), secret }
    },

    /** Removes a client; its tokens, codes and secret go with it. @returns whether it was there */
    async remove(tenant: Tenant, id: string): Promise<boolean> {
      for (let tried = 1; ; tried++) {
        const client = await find(tenant, id)
        if (!client) return false
        try {
          await documents.of(tenant).remove(CLIENTS, id, client.rev)
          return true
        } catch (error) {
          if (!(error instanceof CouchError) || tried >= TRIES) throw error
        }
      }
    },

    /** By id. `startKey` is the first one, included. */
    async list(tenant: Tenant, options: { limit?: number; startKey?: string | undefined } = {}): Promise<Client[]> {
      return (await documents.of(tenant).list(CLIENTS, options)).map(clientOf)
    },

    /** Connected devices: clients that somebody has accepted. */
    count: (tenant: Tenant) => clientStore.count(database.query, tenant),

    /** Somebody has accepted the client: it stays. */
    async accepted(tenant: Tenant, id: string): Promise<void> {
      await clientStore.keep(database.query, tenant, id)
      await patch(tenant, id, ({ pending: _, ...record }) => record)
    },

    /** The client has got an access token. @returns undefined when it is gone */
    async refreshed(tenant: Tenant, id: string): Promise<Client | undefined> {
      await clientStore.keep(database.query, tenant, id)
      return patch(tenant, id, ({ pending: _, ...record }) => ({
        ...record,
        last_refreshed_at: clock.now().toISOString(),
      }))
    },

    /** The client says that it is up to date. @returns undefined when it is gone */
    synchronized: (tenant: Tenant, id: string): Promise<Client | undefined> =>
      patch(tenant, id, record => ({ ...record, synchronized_at: clock.now().toISOString() })),

    /** Clients nobody gave a code within the hour, of all instances. */
    expired: () => clientStore.expired(database.query, clock.now(), EXPIRED_AT_ONCE),
  }
}

export type Clients = ReturnType<typeof createClients>

const clientOf = ({ id, rev, body }: StoredDocument): Client => ({ ...(body as unknown as ClientRecord), id, rev })

/** `My tool`, or `My tool-2`, `My tool-3`… when another client has it. */
async function freeName(writer: DocumentTransaction, name: string, own: string | undefined): Promise<string> {
  const taken = await clientStore.namesLike(writer.query, writer.tenant, name, own)
  if (!taken.has(name)) return name
  let number = 2
  while (taken.has(`${name}-${number}`)) number++
  return `${name}-${number}`
}
