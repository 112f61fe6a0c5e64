import type { Reference } from '@konnectory/protocol'
import type { Actor, Verb } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import type { Access, Ancestor } from '../access.ts'
import type { Entry } from '../record.ts'

export const VERBS: readonly Verb[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * Whether references would give the one who adds them rights on an entry that it does not have. Rules may go by
 * `referenced_by`: without this, whoever may write references opens any file to itself.
 */
export async function wouldWiden(
  access: Access,
  { tenant, actor }: { tenant: Tenant; actor: Actor },
  entry: Entry,
  references: Reference[],
  ancestors: Ancestor[],
): Promise<boolean> {
  const referring = { ...entry, referenced_by: [...(entry.referenced_by ?? []), ...references] }
  for (const verb of VERBS) {
    const before = await access.may(tenant, actor, verb, entry, ancestors)
    if (!before && (await access.may(tenant, actor, verb, referring, ancestors))) return true
  }
  return false
}
