import type { Documents } from '#ground/documents/contract'
import type { Keyring } from '#ground/keyring/contract'
import { keyIdOf } from '#ground/keyring/sealed-text'
import type { Tenant } from '#ground/tenant'
import { ACCOUNTS, SOFT_DELETED } from './account.ts'
import { ownerOf, type Vault } from './secrets/vault.ts'

const PAGE = 100

/**
 * Seals the accounts of an instance with its present key, for a rotation; each that changes gets a new revision. Those that
 * somebody else changes meanwhile are met again, or are sealed with the present key already.
 * @returns how many were sealed again
 */
export async function resealAccounts(
  { documents, keyring, vault }: { documents: Documents; keyring: Keyring; vault: Vault },
  tenant: Tenant,
): Promise<number> {
  // Whatever is sealed now tells which key seals.
  const present = keyIdOf(await keyring.seal(tenant.id, 'which key', ''))
  let changed = 0
  for (const doctype of [ACCOUNTS, SOFT_DELETED]) {
    for (let startKey: string | undefined; ; ) {
      const found = await documents.of(tenant).list(doctype, { limit: PAGE, startKey })
      for (const { id } of found) if (await resealOne(doctype, id)) changed++
      const last = found.at(-1)
      if (!last || found.length < PAGE) break
      startKey = `${last.id}\u0001`
    }
  }
  return changed

  async function resealOne(doctype: string, id: string): Promise<boolean> {
    return documents.transaction(tenant, async writer => {
      const current = await writer.get(doctype, id)
      if (!current || current.deleted) return false
      const resealed = await vault.reseal(tenant, ownerOf(id, current.body), current.body, present)
      if (resealed) await writer.update(doctype, id, current.rev, resealed)
      return resealed !== undefined
    })
  }
}
