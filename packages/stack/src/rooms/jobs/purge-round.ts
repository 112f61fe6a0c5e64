import type { Ground } from '#ground/ground'
import type { Instances } from '#rooms/instances'
import { KEEP_MS, purgeJobs } from './purge.ts'
import type { EndListener } from './run/begin.ts'

const DAY_MS = 86_400_000

/** Purges where something happens: an instance without jobs has none to purge, and is not looked at. */
export function createPurgeRound(
  ground: Pick<Ground, 'documents' | 'database' | 'clock'>,
  instances: Pick<Instances, 'byId'>,
) {
  const active = new Set<string>()
  const purgedAt = new Map<string, number>()
  const noticed: EndListener = async ({ tenant }) => void active.add(tenant.id)
  return {
    noticed,
    /** @returns how many jobs went */
    async work(): Promise<number> {
      const now = ground.clock.now().getTime()
      for (const [id, at] of purgedAt) if (now - at >= DAY_MS) purgedAt.delete(id)
      let deleted = 0
      for (const id of active) {
        if (purgedAt.has(id)) continue
        active.delete(id)
        const instance = await instances.byId(id)
        if (!instance) continue
        purgedAt.set(id, now)
        deleted += await purgeJobs(ground, instance, { before: new Date(now - KEEP_MS) })
      }
      return deleted
    },
  }
}
