import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { RegistryClient } from './client.ts'
import { createFolderRegistry } from './folder-registry.ts'
import { createHttpRegistry } from './http-registry.ts'
import { createMaintenanceStore } from './maintenance/maintenance-store.ts'
import { createRegistries, type Registries } from './registry.ts'
import { maintenanceRoutes } from './routes/admin.ts'
import { proxyRoutes } from './routes/proxy.ts'

export * from './archive/index.ts'
export type { Asset, RegistryClient } from './client.ts'
export { isObject, type PublishedVersion, type RegistryObject } from './documents.ts'
export type { Maintenance, MaintenanceOptions } from './maintenance/maintenance.ts'
export { type Fetched, type FetchOptions, fetchBytes } from './net/fetch-bytes.ts'
export { isPublicAddress } from './net/public-address.ts'
export { resolveHost, Unreachable } from './net/resolve-host.ts'
export { pictureHeaders } from './picture.ts'
export { CHANNELS, compareVersions, parseVersion } from './versions.ts'

/** Tables of this room. */
export const migrations: MigrationSource = { room: 'registry', folder: join(import.meta.dirname, 'migrations') }

export interface RegistryDeps {
  /**
   * What the operator says of the context an instance is in; its `registries`, a list of URLs, takes the place of the
   * configuration's. Without: the configuration for all.
   */
  contextOf?: ((tenant: Tenant) => Promise<Record<string, unknown> | undefined>) | undefined
  /** The same by the context's name. */
  contextNamed?: ((name: string) => Record<string, unknown> | undefined) | undefined
  /** Milliseconds a registry has for an answer. */
  timeout?: number | undefined
}

export interface Registry extends Registries, Disposable {
  routes: Route[]
  adminRoutes: Route[]
  migrations: MigrationSource
}

/** Which konnectors exist, in which versions: the client side of registries, and a folder that stands for one. */
export function createRegistry(ground: Ground, { contextOf, contextNamed, timeout }: RegistryDeps = {}): Registry {
  const { clock, config, database, log } = ground
  const { registries: usual, folder, privateSources } = config.konnectors
  const ended = new AbortController()
  const ofFolder = folder === undefined ? [] : [createFolderRegistry(folder, clock)]
  const known = new Map<string, RegistryClient>()
  const clientAt = (url: string): RegistryClient => {
    const client =
      known.get(url) ?? createHttpRegistry(url, { clock, allowPrivate: privateSources, timeout, signal: ended.signal })
    known.set(url, client)
    return client
  }
  const clientsFor = (context: Record<string, unknown> | undefined): RegistryClient[] => {
    const own = context?.registries
    const urls = Array.isArray(own) ? own.filter(url => typeof url === 'string' && URL.canParse(url)) : usual
    return [...ofFolder, ...urls.map(clientAt)]
  }
  const store = createMaintenanceStore(database.query)
  const build = (clientsOf: (tenant: Tenant | undefined) => Promise<RegistryClient[]>) =>
    createRegistries({ log, clock, clientsOf, maintenance: store })
  const registries = build(async tenant => clientsFor(tenant && (await contextOf?.(tenant))))

  return {
    ...registries,
    routes: proxyRoutes(registries),
    adminRoutes: maintenanceRoutes({
      store,
      now: () => clock.now(),
      ofContext: name => {
        const clients = clientsFor(contextNamed?.(name))
        return { clients, registries: build(async () => clients) }
      },
    }),
    migrations,
    [Symbol.dispose]: () => ended.abort(),
  }
}
