import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { Ground } from '#ground/ground'
import { notThere } from '#ground/http/errors'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { Instances } from '#rooms/instances'
import type { Jobs } from '#rooms/jobs'
import type { Permissions } from '#rooms/permissions'
import type { Maintenance, Registry } from '#rooms/registry'
import type { Triggers } from '#rooms/triggers'
import { createBundles } from './bundles/bundles.ts'
import { collectBundles } from './bundles/collect.ts'
import { createCleaningRuns } from './cleaning-runs.ts'
import { createCode } from './code.ts'
import { createInstaller } from './install.ts'
import type { InstallRequest, UpdateRequest } from './install-request.ts'
import { createKeepCurrent } from './keep-current.ts'
import { KONNECTORS, type Konnector, konnectorOf } from './konnector.ts'
import { createMayInstall } from './may-install.ts'
import { createOperations } from './operations.ts'
import type { Progress } from './progress.ts'
import { updateRoutes } from './routes/admin.ts'
import { installRoutes } from './routes/install.ts'
import { logsRoute } from './routes/logs.ts'
import { readRoutes } from './routes/read.ts'
import { triggerRoute } from './routes/trigger.ts'
import { createSources, type SourceTimes } from './source/index.ts'
import { createStore } from './store.ts'
import { createUninstall, type Uninstallation } from './uninstall.ts'
import { createUpdateAll } from './update-all.ts'

export type { InstallRequest, UpdateRequest } from './install-request.ts'
export { idOf, KONNECTORS, type Konnector, type State } from './konnector.ts'
export type { Progress, Stage } from './progress.ts'
export { createRunRoom, type RunsDeps } from './run/index.ts'
export { RUNS, type RunRecord } from './run/record.ts'
export { type TriggerWish, triggerFor } from './schedule.ts'
export type { CleaningMessage, CleaningRuns } from './uninstall.ts'

/** Tables of this room. */
export const migrations: MigrationSource = { room: 'konnectors', folder: join(import.meta.dirname, 'migrations') }

export interface KonnectorsDeps {
  instances: Pick<Instances, 'archive' | 'byId' | 'byDomain' | 'list'>
  permissions: Pick<Permissions, 'create' | 'replace' | 'remove'>
  registry: Pick<Registry, 'published' | 'maintenanceOf'>
  /** Runs the scripts for deleted accounts. Without: konnectors that have one are not uninstalled while they have accounts. */
  jobs?: Pick<Jobs, 'push' | 'find'> | undefined
  /** Without: there is no `POST /konnectors/:slug/trigger`. */
  triggers?: Pick<Triggers, 'create' | 'launch'> | undefined
  /** What the operator says of the context of an instance. */
  contextOf?: ((tenant: Tenant) => Promise<Record<string, unknown> | undefined>) | undefined
  times?: KonnectorTimes | undefined
}

/** Milliseconds; for tests. */
export interface KonnectorTimes extends SourceTimes {
  /** Between two looks for a silent update. */
  look?: number | undefined
  /** Between two signs of life of an event stream. */
  still?: number | undefined
}

/** The code of an installed konnector, for who runs it. */
export interface InstalledCode {
  /** Folder of all its files, `index.js` among them. Never changed; it stays for an hour after nobody names it. */
  directory: string
  /** SHA-256 over names and contents: the key of what is cached about it. */
  bundle: string
  /** As its author wrote it. */
  manifest: Record<string, unknown>
  version: string
  /** SHA-256 of a registry's archive; else empty. */
  checksum: string
  /** Of the document: the installer's, else the manifest's; undefined when there are none. */
  parameters: unknown
  state: Konnector['state']
}

export interface Konnectors extends AsyncDisposable {
  /** @throws as the route says before its 202; what goes wrong before the manifest is read rejects `begun` */
  install(tenant: Tenant, request: InstallRequest): Promise<Progress>
  update(tenant: Tenant, request: UpdateRequest): Promise<Progress>
  uninstall(tenant: Tenant, slug: string): Promise<Uninstallation>
  find(tenant: Tenant, slug: string): Promise<Konnector | undefined>
  list(tenant: Tenant, options: { limit: number; startKey?: string | undefined }): Promise<Konnector[]>
  /** As it is now, without looking for anything newer. Undefined: not installed, or its code is not on this server. */
  codeOf(tenant: Tenant, slug: string): Promise<InstalledCode | undefined>
  /** Before a run: after the silent update, and `ready` when it was `installed`. Undefined: not installed. */
  codeForRun(tenant: Tenant, slug: string): Promise<InstalledCode | undefined>
  /** Whether it is in maintenance, and who says so. */
  maintenance(tenant: Tenant, slug: string): Promise<Maintenance | undefined>
  updateAll: ReturnType<typeof createUpdateAll>
  /** Takes away code that nobody names. @returns how many folders */
  housekeeping(): Promise<number>
  routes: Route[]
  adminRoutes: Route[]
  migrations: MigrationSource
}

/** Konnectors: install, update, remove, and the code of those that are there. */
export function createKonnectors(ground: Ground, deps: KonnectorsDeps): Konnectors {
  const { config, database, documents, log } = ground
  const { instances, permissions, registry, jobs, triggers, times = {} } = deps
  const contextOf = deps.contextOf ?? (async () => undefined)
  const store = createStore(database.query)
  const bundles = createBundles(join(config.dataDirectory, 'konnectors'))
  const sources = createSources(ground, { registry, bundles, times })
  const operations = createOperations(ground, store)
  const installer = createInstaller(ground, { permissions, sources, bundles, store, operations, contextOf })
  const { uninstall, end: endUninstalling } = createUninstall(ground, {
    installer,
    permissions,
    operations,
    store,
    bundles,
    cleaning: jobs && createCleaningRuns(ground, jobs),
  })
  const keepCurrent = createKeepCurrent(ground, {
    installer,
    sources,
    registry,
    hasCode: async ({ bundle }) => bundle !== undefined && bundles.has(bundle),
    isWanted: async ({ id }) => (await instances.byId(id))?.autoUpdate ?? false,
    every: times.look,
  })
  const code = createCode({ bundles, registry })
  const updateAll = createUpdateAll(ground, { installer, instances })
  // Of a change that goes on here; elsewhere nobody does.
  instances.archive.portable.ephemeral('konnector_operations')

  const get = async (tenant: Tenant, slug: string): Promise<Konnector> => {
    const konnector = await installer.find(tenant, slug)
    if (!konnector) throw notThere('Application is not installed')
    return konnector
  }
  const getCurrent = async (tenant: Tenant, slug: string): Promise<Konnector> => {
    await keepCurrent(tenant, await get(tenant, slug))
    return get(tenant, slug)
  }
  const list: Konnectors['list'] = async (tenant, { limit, startKey }) => {
    const found = await documents.of(tenant).list(KONNECTORS, { limit, startKey })
    const slugs = found.map(({ body }) => String(body.slug))
    const rows = await store.find(tenant.id, slugs)
    return found.map((stored, place) => konnectorOf(stored, rows.get(slugs[place]!)))
  }
  const codeOf = async (tenant: Tenant, slug: string): Promise<InstalledCode | undefined> => {
    const konnector = await installer.find(tenant, slug)
    if (konnector?.bundle === undefined || !(await bundles.has(konnector.bundle))) return undefined
    const { bundle, manifest, version, body, state } = konnector
    const checksum = typeof body.checksum === 'string' ? body.checksum : ''
    return {
      directory: code.folderOf(konnector),
      bundle,
      manifest,
      version,
      checksum,
      parameters: body.parameters,
      state,
    }
  }

  const mayInstall = createMayInstall({ installers: config.konnectors.installers, contextOf })
  const routes = [
    ...readRoutes({ get, getCurrent, list, code }),
    ...installRoutes({ installer, uninstall, mayInstall, stillMs: times.still }),
    logsRoute(log),
    ...(triggers ? [triggerRoute({ documents, get, triggers })] : []),
  ]

  return {
    install: installer.install,
    update: installer.update,
    uninstall,
    find: installer.find,
    list,
    codeOf,
    async codeForRun(tenant, slug) {
      const konnector = await installer.find(tenant, slug)
      if (!konnector) return undefined
      await keepCurrent(tenant, konnector)
      if (konnector.state === 'installed') await installer.activate(tenant, slug)
      return codeOf(tenant, slug)
    },
    maintenance: registry.maintenanceOf,
    updateAll,
    housekeeping: () => collectBundles(ground, store, bundles),
    routes,
    adminRoutes: updateRoutes(updateAll),
    migrations,
    async [Symbol.asyncDispose]() {
      await Promise.all([installer.end(), endUninstalling()])
    },
  }
}
