import type { Documents, DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import { makeDocument } from '#ground/documents/index'
import type { Tenant } from '#ground/tenant'
import { ACCOUNTS, accountTypeOf, SOFT_DELETED } from './account.ts'
import { hasPlainSecrets } from './secrets/members.ts'
import { ownerOf, type Vault } from './secrets/vault.ts'

/** An account that has just been deleted. */
export interface DeletedAccount {
  /** As it was, secrets sealed. */
  account: StoredDocument
  /** Its last revision: what `GET ?rev=` takes, and jobs have as `account_rev`. */
  rev: string
}

/** Is told inside the transaction of the deletion; what it throws undoes it. */
export type DeletionListener = (writer: DocumentTransaction, deleted: DeletedAccount) => Promise<void>

export interface SoftDeletion {
  /** For triggers and the konnector's cleaning run. Not called for accounts with `manual_cleaning`. */
  onDeleted(listener: DeletionListener): void
  afterDelete(writer: DocumentTransaction, deleted: { before: StoredDocument }): Promise<void>
  /** The copy of a deleted account whose last revision was `rev`, as an account of that revision. */
  find(tenant: Tenant, id: string, rev: string): Promise<StoredDocument | undefined>
  /** Removes the copy, after a cleaning run that went well. @returns whether there was one */
  remove(writer: DocumentTransaction, id: string): Promise<boolean>
}

export function createSoftDeletion({ documents, vault }: { documents: Documents; vault: Vault }): SoftDeletion {
  const listeners: DeletionListener[] = []

  return {
    onDeleted: listener => void listeners.push(listener),

    async afterDelete(writer, { before }) {
      const { id, rev, body } = before
      if (body.manual_cleaning === true) return
      if (accountTypeOf(body) !== undefined) {
        const sealed = hasPlainSecrets(body) ? await vault.seal(writer.tenant, ownerOf(id, body), body) : body
        const copy = { ...sealed, soft_deleted_rev: rev }
        const earlier = await writer.get(SOFT_DELETED, id)
        if (earlier && !earlier.deleted) await writer.update(SOFT_DELETED, id, earlier.rev, copy)
        else await writer.create(SOFT_DELETED, copy, id)
      }
      for (const listener of listeners) await listener(writer, { account: before, rev })
    },

    async find(tenant, id, rev) {
      const copy = await documents.of(tenant).get(SOFT_DELETED, id)
      if (!copy || copy.deleted || copy.body.soft_deleted_rev !== rev) return undefined
      const { soft_deleted_rev: _, ...body } = copy.body
      const { seq } = copy
      return makeDocument({ doctype: ACCOUNTS, id, rev, deleted: false, seq, text: JSON.stringify(body) }, body)
    },

    async remove(writer, id) {
      const copy = await writer.get(SOFT_DELETED, id)
      if (!copy || copy.deleted) return false
      await writer.remove(SOFT_DELETED, id, copy.rev)
      return true
    },
  }
}
