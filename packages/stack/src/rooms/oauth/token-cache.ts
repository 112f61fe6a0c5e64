import { LRUCache } from 'lru-cache'
import type { Clock } from '#ground/clock'
import type { News } from '#ground/news/contract'
import type { Tenant } from '#ground/tenant'
import { INSTANCE_NEWS } from '#rooms/instances'

/** Something a verified token rests on: while it does not change, the token means what it meant. */
export interface Foundation {
  doctype: string
  id: string
}

interface Entry<T> {
  value: T
  tags: string[]
  /** Milliseconds since 1970. */
  since: number
}

/** Tokens remembered per process, a kilobyte or so each. */
const TOKENS = 5_000
/** News from another process may get lost with its connection: nothing is believed longer than this without looking again. */
const TRUST_MS = 300_000

/** What was found out about tokens, until the news say that it may be otherwise. Refusals are not remembered. */
export interface TokenCache<T> extends Disposable {
  get(tenant: Tenant, token: string): T | undefined
  /**
   * Finds something out and remembers it, unless what it rests on changed meanwhile: then the caller still gets what was true
   * when it began, and the next one looks again.
   */
  remember(tenant: Tenant, token: string, look: () => Promise<{ value: T; foundations: Foundation[] }>): Promise<T>
}

export function createTokenCache<T>({ news, clock }: { news: News; clock: Clock }): TokenCache<T> {
  /** Keys of the entries that rest on something. */
  const resting = new Map<string, Set<string>>()
  /** Of all foundations so far: a handful. */
  const doctypes = new Set<string>()
  /** How often news got lost. */
  let lost = 0
  /** What changed since each look that is under way began. */
  const looks = new Set<Set<string>>()

  const entries = new LRUCache<string, Entry<T>>({
    max: TOKENS,
    dispose(entry, key) {
      for (const tag of entry.tags) {
        const keys = resting.get(tag)
        keys?.delete(key)
        if (keys?.size === 0) resting.delete(tag)
      }
    },
  })
  const drop = (tag: string) => {
    for (const changed of looks) changed.add(tag)
    for (const key of [...(resting.get(tag) ?? [])]) entries.delete(key)
  }

  const end = news.subscribe(
    ({ tenant, doctype, id }) => {
      if (doctype === INSTANCE_NEWS) drop(tenant.id)
      else if (id !== undefined) drop(tagOf(tenant, { doctype, id }))
    },
    {
      // What a look under way will rest on is not known yet.
      wants: (_tenantId, doctype) => looks.size > 0 || doctypes.has(doctype),
      missed() {
        lost++
        entries.clear()
      },
    },
  )

  return {
    get(tenant, token) {
      const key = keyOf(tenant, token)
      const entry = entries.get(key)
      if (!entry) return undefined
      const age = clock.now().getTime() - entry.since
      if (age >= 0 && age < TRUST_MS) return entry.value
      entries.delete(key)
      return undefined
    },

    async remember(tenant, token, look) {
      const since = clock.now().getTime()
      const changed = new Set<string>()
      const before = lost
      looks.add(changed)
      try {
        const { value, foundations } = await look()
        const tags = [tenant.id, ...foundations.map(foundation => tagOf(tenant, foundation))]
        if (before !== lost || tags.some(tag => changed.has(tag))) return value
        for (const { doctype } of foundations) doctypes.add(doctype)
        const key = keyOf(tenant, token)
        entries.set(key, { value, tags, since })
        for (const tag of tags) resting.set(tag, (resting.get(tag) ?? new Set()).add(key))
        return value
      } finally {
        looks.delete(changed)
      }
    },

    [Symbol.dispose]: end,
  }
}

const keyOf = (tenant: Tenant, token: string): string => `${tenant.id} ${token}`
const tagOf = (tenant: Tenant, { doctype, id }: Foundation): string => `${tenant.id} ${doctype} ${id}`
