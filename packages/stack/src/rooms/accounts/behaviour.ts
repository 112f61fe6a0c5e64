import type { Body } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { CouchError, forbidden } from '#ground/http/errors'
import type { DoctypeBehaviour } from '#rooms/data'
import { ACCOUNTS, isObject } from './account.ts'
import type { MayOpen } from './may-open.ts'
import { accountName, cozyMetadata } from './metadata.ts'
import { hasPlainSecrets } from './secrets/members.ts'
import { ownerOf, type Vault } from './secrets/vault.ts'
import type { SoftDeletion } from './soft-deletion.ts'

export interface BehaviourDeps extends Pick<Ground, 'documents' | 'clock'> {
  vault: Vault
  mayOpen: MayOpen
  softDeletion: SoftDeletion
}

/** How often a GET that seals what it finds goes after somebody who writes at the same time. */
const SETTLE_TRIES = 5

/** What `io.cozy.accounts` does besides being stored (`protocol/data.md` §8). */
export function accountBehaviour({
  documents,
  clock,
  vault,
  mayOpen,
  softDeletion,
}: BehaviourDeps): Required<DoctypeBehaviour> {
  return {
    async beforeWrite({ tenant, actor, id, named, body, stored }) {
      const owner = ownerOf(id, body)
      if (!stored) {
        const created = named && typeof body.name === 'string' ? body : withName(body)
        const metadata = named && isObject(body.cozyMetadata) ? body.cozyMetadata : cozyMetadata(actor, clock.now())
        return vault.seal(tenant, owner, { ...created, cozyMetadata: metadata })
      }
      const before = ownerOf(id, stored.body)
      // Whoever decides the type decides which konnector opens the account: no konnector takes somebody else's over.
      if (owner.type !== before.type && actor?.kind === 'konnector' && !(await mayOpen(tenant, actor, before)))
        throw forbidden()
      const sealed = await vault.seal(tenant, owner, body, before)
      return isObject(sealed.cozyMetadata) ? sealed : { ...sealed, cozyMetadata: cozyMetadata(actor, clock.now()) }
    },

    async show({ tenant, actor, query, document, method }) {
      const owner = ownerOf(document.id, document.body)
      if (method !== 'POST' && (await mayOpen(tenant, actor, owner, query)))
        return vault.open(tenant, owner, document.body)
      // A copy from before there was a key, which cannot be settled (an old revision): still not shown in clear.
      return hasPlainSecrets(document.body) ? vault.seal(tenant, owner, document.body) : document.body
    },

    async settle({ tenant, document }) {
      let current = document
      for (let tried = 0; hasPlainSecrets(current.body); tried++) {
        const sealed = await vault.seal(tenant, ownerOf(current.id, current.body), current.body)
        try {
          return await documents.of(tenant).update(ACCOUNTS, current.id, current.rev, sealed)
        } catch (error) {
          if (!(error instanceof CouchError && error.status === 409) || tried >= SETTLE_TRIES) throw error
        }
        const newer = await documents.of(tenant).get(ACCOUNTS, current.id)
        if (!newer || newer.deleted) return document
        current = newer
      }
      return current
    },

    async readRevision({ tenant, id, rev }) {
      const current = await documents.of(tenant).get(ACCOUNTS, id)
      if (current && !current.deleted && current.rev === rev) return current
      return softDeletion.find(tenant, id, rev)
    },

    afterDelete: softDeletion.afterDelete,
  }
}

function withName(body: Body): Body {
  const name = accountName(body)
  return name === undefined ? body : { ...body, name }
}
