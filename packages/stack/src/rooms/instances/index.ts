import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import { adminRoutes } from './admin/index.ts'
import { createArchive } from './archive/index.ts'
import { createDirectory } from './directory.ts'
import { createGate } from './gate.ts'
import type { Instance } from './instance.ts'
import { createLifecycle } from './lifecycle.ts'
import { loadAssets } from './pages/assets.ts'
import { createPassphrase } from './passphrase/service.ts'
import { createRates } from './rates.ts'
import { authRoutes } from './routes/index.ts'
import { createRedirects } from './routes/redirect.ts'
import { createSecrets } from './secrets.ts'
import { createSessions } from './sessions/service.ts'
import { createInstanceStore } from './store.ts'
import { createSweep } from './sweep-store.ts'

export type { Archive, Imported, Portable, SealedPlace } from './archive/index.ts'
export type { HostMatch } from './directory.ts'
export type { Subdomains } from './domain.ts'
export { blockedError } from './gate.ts'
export {
  BLOCKING_REASONS,
  type BlockingReason,
  INSTANCE_NEWS,
  INSTANCE_SETTINGS_ID,
  type Instance,
  type InstanceChange,
  type InstanceSecrets,
  SETTINGS,
} from './instance.ts'
export type { InstanceChanges, NewInstance } from './lifecycle.ts'
export { escapeHtml, Html, html, type PageOptions, pageAnswer, renderPage, type Words, wordsOf } from './pages/index.ts'
export type { PassphraseInput } from './passphrase/service.ts'
export type { Hit, Rate } from './rates.ts'
export { csrfFor, isCsrfValid } from './routes/csrf.ts'
export { SESSIONS, type Session } from './sessions/service.ts'

/** Tables of this room. */
export const migrations: MigrationSource = { room: 'instances', folder: join(import.meta.dirname, 'migrations') }

export interface InstancesOptions {
  /** Port of the URLs of instances whose domain has none; default: what the configuration says. For a port that was chosen late. */
  port?: number | undefined
}

/**
 * Instances: who they are, their passphrase and sessions, and how an operator makes, changes, moves and removes them.
 * The first room; all others are handed it.
 */
export function createInstances(ground: Ground, { port }: InstancesOptions = {}) {
  loadAssets()
  const { database, news, keyring, config } = ground
  const { secure, publicPort, subdomains } = config.http
  const scheme = secure ? 'https' : 'http'
  // Behind a proxy with https it is the proxy's port that counts, and nobody need say the usual one.
  const addressing = { scheme, port: publicPort ?? (secure ? 443 : (port ?? config.http.port)) } as const
  const store = createInstanceStore(database.query)
  const directory = createDirectory({ store, news, subdomains, addressing })
  const secrets = createSecrets({ store, keyring, news })
  const sweep = createSweep(database)
  const lifecycle = createLifecycle({ ground, store, sweep, directory, secrets, subdomains })
  const rates = createRates(ground)
  const sessions = createSessions({ ground, secrets, subdomains })
  const passphrase = createPassphrase({ ground, instances: store, lifecycle, rates, sessions })
  const redirects = createRedirects({ documents: ground.documents, subdomains })
  const archive = createArchive({ ground, store, sweep, directory, lifecycle, secrets, subdomains })

  const service = {
    subdomains,
    byHost: directory.byHost,
    byId: directory.byId,
    byDomain: directory.byDomain,
    /** By domain, page by page. */
    async list({ after, limit = 1000 }: { after?: string; limit?: number } = {}): Promise<Instance[]> {
      return (await store.list({ after, limit })).map(directory.asInstance)
    },
    create: lifecycle.create,
    update: lifecycle.update,
    destroy: lifecycle.destroy,
    finishDestroying: lifecycle.finishDestroying,
    onCreated: lifecycle.onCreated,
    onDestroy: lifecycle.onDestroy,
    secrets: secrets.of,
    renewSessionSecret: lifecycle.renewSessionSecret,
    passphrase,
    sessions,
    rates,
    /** Where a person goes after signing in or choosing a passphrase. */
    redirects,
    archive,
    /** What the server asks for each request: the instance of its host, and what it answers when it is blocked. */
    tenantOf: createGate(directory).tenantOf,
  }
  const routes: Route[] = authRoutes(service)
  return {
    ...service,
    routes,
    adminRoutes: adminRoutes(service),
    migrations,
    [Symbol.dispose]() {
      for (const end of [directory.end, secrets.end, sessions.end]) end()
    },
  }
}

export type Instances = ReturnType<typeof createInstances>
