import { LRUCache } from 'lru-cache'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import type { Registry } from '#rooms/registry'
import type { Installer } from './install.ts'
import { isNewer } from './install-request.ts'
import type { Konnector } from './konnector.ts'
import type { Sources } from './source/index.ts'
import { parseSource, type Source } from './source/parse.ts'

export interface KeepCurrentDeps {
  installer: Installer
  sources: Pick<Sources, 'hasNews'>
  registry: Pick<Registry, 'published'>
  /** Whether the code is on this server: not when the instance was brought from another one, or somebody cleared the folder. */
  hasCode(konnector: Konnector): Promise<boolean>
  /** Whether konnectors of the instance are updated without being asked (`auto_update`). */
  isWanted(tenant: Tenant): Promise<boolean>
  /** Milliseconds between two looks at a source that costs something. */
  every?: number | undefined
}

/** A look at a repository costs a connection, one at an archive all of it. A registry's answers have their own time. */
const EVERY_MS = 300_000
/** A registry that was just down is not waited for again by the next run. */
const FAILED_MS = 60_000

/**
 * The silent update before a konnector is shown or run (`protocol/konnectors-api.md` §8). Whatever fails, the version that is
 * installed goes on.
 */
export function createKeepCurrent(ground: Pick<Ground, 'clock' | 'log'>, deps: KeepCurrentDeps) {
  const { clock, log } = ground
  const { installer, sources, registry, hasCode, isWanted, every = EVERY_MS } = deps
  /** When each installation may be looked at again. */
  const next = new LRUCache<string, number>({ max: 50_000 })
  const underWay = new Map<string, Promise<void>>()

  const update = async (tenant: Tenant, { slug }: Konnector, source: Source): Promise<void> => {
    await (await installer.tryUpdate(tenant, slug, source))?.done
  }

  /** The version that is installed where the source still has it; what would ask for more waits here too. */
  const repair = async (tenant: Tenant, konnector: Konnector): Promise<void> => {
    const source = parseSource(konnector.source)
    await update(tenant, konnector, source.kind === 'registry' ? { ...source, version: konnector.version } : source)
  }

  const look = async (tenant: Tenant, konnector: Konnector): Promise<void> => {
    const { slug, version, availableVersion, mark } = konnector
    const source = parseSource(konnector.source)
    if (source.kind !== 'registry') {
      if ((await sources.hasNews(source, mark, installer.signal)) !== false) await update(tenant, konnector, source)
      return
    }
    const found = await registry.published(tenant, source.slug, { channel: source.channel, version: source.version })
    if (!found) return
    const offered = found.version.version
    if (offered === version) {
      if (availableVersion !== undefined) await installer.forgetAvailable(tenant, slug)
    } else if (offered !== availableVersion && isNewer(source.channel, version, offered))
      await update(tenant, konnector, source)
  }

  return async (tenant: Tenant, konnector: Konnector): Promise<void> => {
    const key = `${tenant.id} ${konnector.slug}`
    const known = underWay.get(key)
    if (known) return known
    if (clock.now().getTime() < (next.get(key) ?? 0)) return
    const isMissing = !(await hasCode(konnector))
    if (!isMissing && !(await isWanted(tenant))) return
    const run = (isMissing ? repair : look)(tenant, konnector)
      .then(
        () => (konnector.source.startsWith('registry:') ? 0 : every),
        error => {
          log.info('a konnector could not be updated and goes on as it is', { slug: konnector.slug, error })
          return FAILED_MS
        },
      )
      .then(pause => {
        next.set(key, clock.now().getTime() + pause)
        underWay.delete(key)
      })
    underWay.set(key, run)
    return run
  }
}

export type KeepCurrent = ReturnType<typeof createKeepCurrent>
