import type { Ground } from '#ground/ground'
import { invalidParameter } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { Registry } from '#rooms/registry'
import type { Bundles } from '../bundles/bundles.ts'
import { openArchiveSource } from './archive-source.ts'
import { openFileSource } from './file-source.ts'
import { headOf, openGitSource } from './git-source.ts'
import { type Offer, SourceError, sourceError } from './offer.ts'
import type { Source } from './parse.ts'
import { openRegistrySource } from './registry-source.ts'

export interface SourceTimes {
  /** Milliseconds. */
  git?: number | undefined
  archive?: number | undefined
}

export interface SourcesDeps {
  registry: Pick<Registry, 'published'>
  bundles: Bundles
  times?: SourceTimes | undefined
}

/** Opens sources of all kinds. */
export function createSources({ config }: Pick<Ground, 'config'>, { registry, bundles, times = {} }: SourcesDeps) {
  const { localSources, privateSources } = config.konnectors
  const gitOptions = { allowPrivate: privateSources, timeout: times.git }

  /** Before anything is asked anywhere. @throws 422 for what this server does not install from */
  const assertAllowed = (source: Source): void => {
    const local = source.kind === 'file' || (source.kind === 'git' && source.transport === 'file')
    if (local && !localSources)
      throw invalidParameter(
        'Source',
        'This server does not install from its own disk; KONNECTORY_INSTALL_LOCAL=1 would allow it',
      )
    if (source.kind === 'git' && source.transport === 'http' && !privateSources)
      throw invalidParameter(
        'Source',
        'A repository is fetched by https; KONNECTORY_INSTALL_PRIVATE=1 would allow http',
      )
  }

  const open = (tenant: Tenant, source: Source, signal: AbortSignal): Promise<Offer> => {
    switch (source.kind) {
      case 'registry':
        return openRegistrySource(tenant, source, registry, bundles)
      case 'git':
        return openGitSource(source, bundles, signal, gitOptions)
      case 'archive':
        return openArchiveSource(source, bundles, signal, { allowPrivate: privateSources, timeout: times.archive })
      case 'file':
        return openFileSource(source, bundles)
    }
  }

  return {
    assertAllowed,
    /** What a source has now. @throws SourceError */
    async open(tenant: Tenant, source: Source, signal: AbortSignal): Promise<Offer> {
      assertAllowed(source)
      try {
        const offer = await open(tenant, source, signal)
        return {
          ...offer,
          async bundle(within) {
            try {
              return await offer.bundle(within)
            } catch (error) {
              throw sourceError(error)
            }
          },
        }
      } catch (error) {
        throw sourceError(error)
      }
    },
    /**
     * Whether a source has something other than `mark`, without fetching it all; undefined when only fetching tells.
     * @throws SourceError
     */
    async hasNews(source: Source, mark: string, signal: AbortSignal): Promise<boolean | undefined> {
      assertAllowed(source)
      try {
        if (source.kind === 'git') return (await headOf(source, signal, gitOptions)) !== mark
        // What is named by its content never changes.
        if (source.kind === 'archive' && source.sha256 !== undefined) return source.sha256 !== mark
        return undefined
      } catch (error) {
        throw sourceError(error)
      }
    },
  }
}

export type Sources = ReturnType<typeof createSources>
export { SourceError }
