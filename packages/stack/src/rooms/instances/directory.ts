import { LRUCache } from 'lru-cache'
import type { News } from '#ground/news/contract'
import { type Addressing, appHost, normaliseHost, type Subdomains, splitHost, urlOf, withoutPort } from './domain.ts'
import { type BlockingReason, INSTANCE_NEWS, INSTANCE_SETTINGS_ID, type Instance, SETTINGS } from './instance.ts'
import type { InstanceRow, InstanceStore } from './store.ts'

/** What a host name stands for. */
export interface HostMatch {
  instance: Instance
  /** The app, on a subdomain of one. */
  slug?: string
  /** The host is the instance's old one: base URL, with a final slash, of where the same path now is. */
  movedTo?: string
}

export interface DirectoryOptions {
  store: InstanceStore
  news: News
  subdomains: Subdomains
  addressing: Addressing
}

/** Hosts remembered. Each is a few hundred bytes. */
const REMEMBERED = 10_000
/** News that never came (a connection that broke) must not leave an instance as it was for longer. Milliseconds. */
const REMEMBERED_FOR = 60_000

/**
 * Finds instances. What was found is kept in memory until the news say that it changed, so that a request costs no query
 * for its instance; that there is none is not kept: it may be made the next moment, by another process.
 */
export function createDirectory({ store, news, subdomains, addressing }: DirectoryOptions) {
  const byHost = new LRUCache<string, HostMatch>({ max: REMEMBERED, ttl: REMEMBERED_FOR })
  const byId = new LRUCache<string, Instance>({ max: REMEMBERED, ttl: REMEMBERED_FOR })
  /** Of the last drop: what was read before it must not be kept after it. */
  let generation = 0

  const asInstance = (row: InstanceRow): Instance => ({
    id: row.instance_id,
    domain: row.domain,
    oldDomain: row.old_domain ?? undefined,
    url: urlOf(row.domain, addressing),
    locale: row.locale,
    uuid: row.uuid,
    tz: row.tz,
    context: row.context,
    email: row.email,
    publicName: row.public_name,
    autoUpdate: row.auto_update,
    onboardingFinished: row.onboarding_finished,
    authMode: 'basic',
    blocked: (row.blocked as BlockingReason | null) ?? undefined,
    quotaBytes: row.quota_bytes === null ? undefined : Number(row.quota_bytes),
    flags: row.flags as Record<string, unknown>,
    passphraseDefined: row.passphrase_defined,
    createdAt: row.created_at.toISOString(),
  })

  const drop = (id: string): void => {
    generation++
    byId.delete(id)
    for (const [host, { instance }] of byHost.entries()) if (instance.id === id) byHost.delete(host)
  }

  const end = news.subscribe(
    ({ tenant, doctype, id }) => {
      if (doctype === INSTANCE_NEWS || (doctype === SETTINGS && id === INSTANCE_SETTINGS_ID)) drop(tenant.id)
    },
    {
      wants: (_tenantId, doctype) => doctype === SETTINGS,
      missed() {
        generation++
        byId.clear()
        byHost.clear()
      },
    },
  )

  async function look(host: string): Promise<HostMatch | undefined> {
    const app = splitHost(host, subdomains)
    const bare = withoutPort(host)
    const parents = app ? [app.parent, withoutPort(app.parent)] : []
    const rows = (await store.findByDomains([...new Set([host, bare, ...parents])])).filter(row => !row.destroying)
    const named = (name: string) => rows.find(row => row.domain === name)
    const own = named(host) ?? named(bare)
    if (own) return { instance: asInstance(own) }
    const parent = parents.map(named).find(row => row !== undefined)
    if (app && parent) return { instance: asInstance(parent), slug: app.slug }
    const old = rows.find(row => row.old_domain === host || row.old_domain === bare)
    if (old) return { instance: asInstance(old), movedTo: urlOf(old.domain, addressing) }
    const oldParent = rows.find(row => row.old_domain !== null && parents.includes(row.old_domain))
    if (app && oldParent) {
      const movedTo = urlOf(appHost(oldParent.domain, app.slug, subdomains), addressing)
      return { instance: asInstance(oldParent), slug: app.slug, movedTo }
    }
    return undefined
  }

  return {
    /**
     * What the host of a request stands for: a domain with its port, or without it; an app below one; an old domain.
     * @param host as in the `Host` header
     */
    async byHost(host: string | undefined): Promise<HostMatch | undefined> {
      const name = host === undefined ? undefined : normaliseHost(host)
      if (name === undefined) return undefined
      const known = byHost.get(name)
      if (known) return known
      const before = generation
      const found = await look(name)
      if (found && before === generation) byHost.set(name, found)
      return found
    },

    async byId(id: string): Promise<Instance | undefined> {
      const known = byId.get(id)
      if (known) return known
      const before = generation
      const row = await store.findById(id)
      if (!row || row.destroying) return undefined
      const instance = asInstance(row)
      if (before === generation) byId.set(id, instance)
      return instance
    },

    /** The instance whose domain this is, now; not by a subdomain or an old one. Not remembered: for administration. */
    async byDomain(domain: string): Promise<Instance | undefined> {
      const name = normaliseHost(domain)
      if (name === undefined) return undefined
      const row = (await store.findByDomains([name])).find(found => found.domain === name && !found.destroying)
      return row && asInstance(row)
    },

    asInstance,
    drop,
    end,
  }
}

export type Directory = ReturnType<typeof createDirectory>
