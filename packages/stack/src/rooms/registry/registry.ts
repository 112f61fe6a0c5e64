import type { Clock } from '#ground/clock'
import type { Log } from '#ground/log'
import type { Tenant } from '#ground/tenant'
import type { Asset, ListQuery, RegistryClient } from './client.ts'
import { type PublishedVersion, type RegistryObject, readVersion } from './documents.ts'
import { type Maintenance, maintenanceOf, overlay } from './maintenance/maintenance.ts'
import type { MaintenanceStore } from './maintenance/maintenance-store.ts'
import { Unreachable } from './net/resolve-host.ts'

export interface RegistriesDeps {
  log: Log
  clock: Clock
  /** The registries of an instance, in the order they are asked. */
  clientsOf(tenant: Tenant | undefined): Promise<RegistryClient[]>
  maintenance: MaintenanceStore
}

/** A page of several registries together. */
export interface MergedPage {
  data: RegistryObject[]
  nextCursor: string | undefined
}

/** A version with the registry that has it. */
export interface FoundVersion {
  registry: RegistryClient
  json: RegistryObject
}

/** What cursors say of a registry that has been read to its end; no registry's own cursor is this. */
const ENDED = '-'

/** The registries of an instance as one (`protocol/konnectors-api.md` §7): the first that has something wins. */
export function createRegistries({ log, clientsOf, maintenance }: RegistriesDeps) {
  /**
   * The first answer. A registry that is down is passed over.
   * @throws Unreachable when none has it and some could not be asked: it may well be there
   */
  async function first<T>(
    tenant: Tenant | undefined,
    ask: (client: RegistryClient) => Promise<T | undefined>,
  ): Promise<{ client: RegistryClient; value: T } | undefined> {
    let failure: Unreachable | undefined
    for (const client of await clientsOf(tenant)) {
      try {
        const value = await ask(client)
        if (value !== undefined) return { client, value }
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error
        log.warn('a registry does not answer', { registry: client.name, why: error.message })
        failure = error
      }
    }
    if (failure) throw failure
    return undefined
  }
  const valueIn = async <T>(found: Promise<{ value: T } | undefined>) => (await found)?.value

  const found = async (
    tenant: Tenant,
    ask: (client: RegistryClient) => Promise<RegistryObject | undefined>,
  ): Promise<FoundVersion | undefined> => {
    const hit = await first(tenant, ask)
    return hit && { registry: hit.client, json: hit.value }
  }

  const registry = {
    async application(tenant: Tenant, slug: string): Promise<RegistryObject | undefined> {
      const application = await valueIn(first(tenant, client => client.application(slug)))
      return application && (await overlay(maintenance, [application]))[0]
    },
    versions: (tenant: Tenant, slug: string) => valueIn(first(tenant, client => client.versions(slug))),
    version: (tenant: Tenant, slug: string, version: string) => found(tenant, client => client.version(slug, version)),
    latest: (tenant: Tenant, slug: string, channel: string) => found(tenant, client => client.latest(slug, channel)),
    asset: (tenant: Tenant, slug: string, path: string): Promise<Asset | undefined> =>
      valueIn(first(tenant, client => client.asset(slug, path))),

    /**
     * What can be installed as a version, read and complete.
     * @param version undefined: the latest of the channel
     * @throws Unreachable
     */
    async published(
      tenant: Tenant,
      slug: string,
      { channel, version }: { channel: string; version?: string | undefined },
    ): Promise<{ registry: RegistryClient; version: PublishedVersion } | undefined> {
      const hit =
        version === undefined
          ? await registry.latest(tenant, slug, channel)
          : await registry.version(tenant, slug, version)
      if (!hit) return undefined
      const read = readVersion(hit.json)
      if (!read) throw new Unreachable(`${hit.registry.name} says too little of this version of ${slug}`)
      return { registry: hit.registry, version: read }
    },

    /** The bytes of an archive, for who may download it. */
    async archive(tenant: Tenant, slug: string, version: string): Promise<Buffer | undefined> {
      const hit = await registry.version(tenant, slug, version)
      const read = hit && readVersion(hit.json)
      return read && hit.registry.archive(slug, version, read.url)
    },

    /**
     * One registry after the other; what an earlier one has is left out of the later ones. `cursor` is one per registry,
     * joined with `|`.
     */
    async list(tenant: Tenant, { cursor, limit, ...query }: ListQuery): Promise<MergedPage> {
      const clients = await clientsOf(tenant)
      const cursors = cursor === undefined ? clients.map(() => '') : cursor.split('|')
      const data: RegistryObject[] = []
      const earlier = new Set<string>()
      let failure: Unreachable | undefined
      for (const [place, client] of clients.entries()) {
        try {
          while (data.length < limit && cursors[place] !== ENDED) {
            const page = await client.list({
              ...query,
              limit: limit - data.length,
              cursor: cursors[place] || undefined,
            })
            data.push(...page.data.filter(({ slug }) => !earlier.has(String(slug))))
            cursors[place] = page.nextCursor ?? ENDED
            if (page.data.length === 0) cursors[place] = ENDED
          }
          if (place < clients.length - 1) for (const slug of await client.slugs()) earlier.add(slug)
        } catch (error) {
          if (!(error instanceof Unreachable)) throw error
          log.warn('a registry does not answer', { registry: client.name, why: error.message })
          cursors[place] = ENDED
          failure = error
        }
      }
      if (data.length === 0 && failure) throw failure
      const more = clients.some((_client, place) => cursors[place] !== ENDED)
      return {
        data: await overlay(maintenance, data),
        nextCursor: more ? clients.map((_client, place) => cursors[place] ?? '').join('|') : undefined,
      }
    },

    async slugs(tenant: Tenant): Promise<string[]> {
      const lists = await everywhere(tenant, client => client.slugs())
      return [...new Set(lists.flat())]
    },

    /** All in maintenance, whoever says so: the operator's word first. */
    async inMaintenance(tenant: Tenant | undefined): Promise<Maintenance[]> {
      const own = (await maintenance.list()).map(entry => ({ ...entry, level: 'stack' }) as const)
      const lists = await everywhere(tenant, client => client.maintenance())
      const theirs = lists.flat().flatMap(application => maintenanceOf(application) ?? [])
      const seen = new Set<string>()
      return [...own, ...theirs].filter(({ slug }) => !seen.has(slug) && seen.add(slug))
    },

    /** Of one konnector, for who is about to run it. A registry that does not answer says nothing (`konnector-runtime.md` §2). */
    async maintenanceOf(tenant: Tenant, slug: string): Promise<Maintenance | undefined> {
      const own = (await maintenance.list()).find(entry => entry.slug === slug)
      if (own) return { ...own, level: 'stack' }
      try {
        const application = await valueIn(first(tenant, client => client.application(slug)))
        return application && maintenanceOf(application)
      } catch (error) {
        if (error instanceof Unreachable) return undefined
        throw error
      }
    },
  }

  async function everywhere<T>(tenant: Tenant | undefined, ask: (client: RegistryClient) => Promise<T>): Promise<T[]> {
    const answers = await Promise.all(
      (await clientsOf(tenant)).map(client =>
        ask(client).then(
          value => [value],
          error => {
            if (!(error instanceof Unreachable)) throw error
            log.warn('a registry does not answer', { registry: client.name, why: error.message })
            return []
          },
        ),
      ),
    )
    return answers.flat(1) as T[]
  }

  return registry
}

export type Registries = ReturnType<typeof createRegistries>
