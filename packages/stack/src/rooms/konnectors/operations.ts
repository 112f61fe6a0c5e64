import { randomUUID } from 'node:crypto'
import type { DocumentTransaction } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { alreadyThere } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { Store } from './store.ts'

/** Shows now and then that it still lives. */
const BEAT_MS = 5_000
/** After so long without, its process is gone, and another may begin. */
const SILENT_MS = 30_000

/** The right to change one konnector of one instance, until it is disposed of. */
export interface Hold extends AsyncDisposable {
  /**
   * In the transaction that ends the change: with it the next one may begin, so that who hears of the end can.
   * @throws JsonApiError 409 when somebody took over from us: nothing may be written
   */
  release(writer: DocumentTransaction): Promise<void>
}

/** One change of a konnector at a time, over all processes; a process that died is followed by the next after half a minute. */
export function createOperations({ clock, log }: Pick<Ground, 'clock' | 'log'>, store: Store) {
  return {
    /** @returns undefined when somebody else is at it */
    async tryHold(tenant: Tenant, slug: string): Promise<Hold | undefined> {
      const holder = randomUUID()
      const now = clock.now()
      const silentSince = new Date(now.getTime() - SILENT_MS)
      if (!(await store.begin(tenant.id, slug, holder, now, silentSince))) return undefined
      let beat: Promise<void> = Promise.resolve()
      const timer = setInterval(() => {
        beat = store.beat(tenant.id, slug, holder, clock.now()).catch(error => {
          log.warn('a konnector’s change could not show that it lives', { slug, error })
        })
      }, BEAT_MS).unref()
      return {
        async release(writer) {
          if (!(await store.endWithin(writer.query, tenant.id, slug, holder)))
            throw alreadyThere(`Somebody else has begun to change ${slug} meanwhile`)
        },
        async [Symbol.asyncDispose]() {
          clearInterval(timer)
          await beat
          await store.end(tenant.id, slug, holder)
        },
      }
    },
    /** @throws JsonApiError 409 when somebody else is at it */
    async hold(tenant: Tenant, slug: string): Promise<Hold> {
      const hold = await this.tryHold(tenant, slug)
      if (!hold) throw alreadyThere(`${slug} is being installed, updated or removed: bad state`)
      return hold
    },
  }
}

export type Operations = ReturnType<typeof createOperations>
