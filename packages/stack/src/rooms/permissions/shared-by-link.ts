import type { Clock } from '#ground/clock'
import type { Query } from '#ground/database/index'
import type { Tenant } from '#ground/tenant'
import { isDoctype } from './doctype-name.ts'
import type { PermissionRecord } from './record.ts'
import { allVerbs, VERBS } from './rules.ts'
import { isExpired } from './share-life.ts'
import { canBeStored, sharesNaming, sharesOf } from './store.ts'

export const PAGE = 30
export const LARGEST_PAGE = 100
/** Ids asked about at a time. */
export const MOST_ASKED = 1000

export interface Named {
  type: string
  id: string
}

/** Finds what is shared by a link. */
export function createSharedByLink({ query, clock }: { query: Query; clock: Clock }) {
  return {
    /** A page of the shares that have a rule on a doctype, by id. @param after id of the last one of the page before */
    async page(tenant: Tenant, doctype: string, { limit, after }: { limit: number; after: string }) {
      const found = await sharesOf(query, tenant, doctype, { after, limit: limit + 1 })
      return { records: found.slice(0, limit), last: found.length > limit ? found[limit - 1] : undefined }
    },

    /** Of some documents, those that a share names, each with what may be done with it. In the order asked. */
    async verbsOf(tenant: Tenant, asked: Named[]): Promise<(Named & { verbs: string[] })[]> {
      const storable = asked.filter(({ type, id }) => isDoctype(type) && canBeStored(id))
      if (storable.length === 0) return []
      const unique = (texts: string[]) => [...new Set(texts)]
      const found = await sharesNaming(
        query,
        tenant,
        unique(storable.map(({ type }) => type)),
        unique(storable.map(({ id }) => id)),
      )
      const now = clock.now()
      const open = found.filter(record => !isExpired(record, now))
      return storable.flatMap(named => {
        const verbs = verbsFor(open, named)
        return verbs.length > 0 ? [{ ...named, verbs }] : []
      })
    },
  }
}

function verbsFor(records: PermissionRecord[], { type, id }: Named): string[] {
  const rules = records
    .flatMap(record => record.rules)
    .filter(rule => rule.type === type && !rule.selector && rule.values.includes(id))
  return VERBS.filter(verb => rules.some(rule => allVerbs(rule) || rule.verbs.includes(verb)))
}
