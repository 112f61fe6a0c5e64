import type { StoredDocument } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { notThere } from '#ground/http/errors'
import type { Instance, Instances } from '#rooms/instances'
import type { Installer } from './install.ts'
import { idOf, KONNECTORS, konnectorOf } from './konnector.ts'
import { parseSource } from './source/parse.ts'

export interface UpdateAllRequest {
  domain?: string | undefined
  slugs?: string[] | undefined
  signal?: AbortSignal | undefined
}

/** How many konnectors were looked at, and what came of it. */
export interface UpdateAllResult {
  updated: number
  unchanged: number
  waiting: number
  failed: number
}

const PAGE = 100

/** Goes over all instances that want it, one konnector after the other: nobody is waiting. */
export function createUpdateAll(
  { documents, log }: Pick<Ground, 'documents' | 'log'>,
  { installer, instances }: { installer: Installer; instances: Pick<Instances, 'list' | 'byDomain'> },
) {
  const updateInstance = async (
    instance: Instance,
    slugs: string[] | undefined,
    result: UpdateAllResult,
    signal?: AbortSignal,
  ) => {
    for (let startKey: string | undefined, page = PAGE; page === PAGE; ) {
      const skip = startKey === undefined ? 0 : 1
      const found: StoredDocument[] = await documents.of(instance).list(KONNECTORS, { limit: PAGE, startKey, skip })
      page = found.length
      startKey = found.at(-1)?.id
      for (const stored of found) {
        const konnector = konnectorOf(stored, undefined)
        const { slug, version, source } = konnector
        if (signal?.aborted || (slugs && !slugs.includes(slug)) || stored.id !== idOf(slug)) continue
        try {
          const progress = await installer.tryUpdate(instance, slug, parseSource(source))
          const last = await progress?.done
          if (!last || (last.body.version === version && last.body.available_version === undefined)) result.unchanged++
          else if (last.body.version === version) result.waiting++
          else result.updated++
        } catch (error) {
          log.warn('a konnector could not be updated', { domain: instance.domain, slug, error })
          result.failed++
        }
      }
    }
  }

  return async ({ domain, slugs, signal }: UpdateAllRequest = {}): Promise<UpdateAllResult> => {
    const result: UpdateAllResult = { updated: 0, unchanged: 0, waiting: 0, failed: 0 }
    if (domain !== undefined) {
      const instance = await instances.byDomain(domain)
      if (!instance) throw notThere(`There is no instance at ${domain}`)
      await updateInstance(instance, slugs, result, signal)
      return result
    }
    for (let after: string | undefined, page = PAGE; page === PAGE && !signal?.aborted; ) {
      const found: Instance[] = await instances.list({ limit: PAGE, ...(after !== undefined && { after }) })
      page = found.length
      after = found.at(-1)?.domain
      for (const instance of found) if (instance.autoUpdate) await updateInstance(instance, slugs, result, signal)
    }
    return result
  }
}

export type UpdateAll = ReturnType<typeof createUpdateAll>
