import type { Clock } from '#ground/clock'
import type { Body, Documents, StoredDocument } from '#ground/documents/contract'
import { newId } from '#ground/documents/index'
import { CouchError } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { ACCOUNTS } from './account.ts'
import { ownerOf, type Vault } from './secrets/vault.ts'

/** Accounts as the server itself writes them; secrets given in clear are sealed on the way. */
export interface AccountWriting {
  /** As it is: without the name and metadata that a client's POST gets. */
  create(tenant: Tenant, body: Body): Promise<StoredDocument>
  /**
   * Changes what is there now, again when somebody else was faster.
   * @param change gets the account as stored, secrets sealed, and gives the new one; undefined leaves it
   * @returns the account as it is now; undefined when there is none
   */
  change(
    tenant: Tenant,
    id: string,
    change: (body: Body, document: StoredDocument) => Body | undefined | Promise<Body | undefined>,
  ): Promise<StoredDocument | undefined>
}

/** A konnector and its UI both write whole accounts, a few times a second at the most. */
const TRIES = 20

export function createAccountWriting({
  documents,
  vault,
  clock,
}: {
  documents: Documents
  vault: Vault
  clock: Clock
}): AccountWriting {
  return {
    async create(tenant, body) {
      const id = newId(clock.now().getTime())
      return documents.of(tenant).create(ACCOUNTS, await vault.seal(tenant, ownerOf(id, body), body), id)
    },
    async change(tenant, id, change) {
      for (let tried = 1; ; tried++) {
        const current = await documents.of(tenant).get(ACCOUNTS, id)
        if (!current || current.deleted) return undefined
        const body = await change(current.body, current)
        if (!body) return current
        const sealed = await vault.seal(tenant, ownerOf(id, body), body, ownerOf(id, current.body))
        try {
          return await documents.of(tenant).update(ACCOUNTS, id, current.rev, sealed)
        } catch (error) {
          if (!(error instanceof CouchError && error.status === 409) || tried >= TRIES) throw error
        }
      }
    },
  }
}
