import type { Ground } from '#ground/ground'
import type { Store } from '../store.ts'
import type { Bundles } from './bundles.ts'

/** A run that began with a bundle may go on with it after the update that replaced it. */
const GRACE_MS = 3_600_000

/**
 * Takes away the code that no instance names, and what crashes left. To be called now and then, by one process or several.
 * @returns how many folders went
 */
export async function collectBundles(
  { database, clock }: Pick<Ground, 'database' | 'clock'>,
  store: Store,
  bundles: Bundles,
): Promise<number> {
  const before = new Date(clock.now().getTime() - GRACE_MS)
  const names: string[] = []
  let removed = 0
  for await (const { name, incoming } of bundles.untouchedSince(before)) {
    if (!incoming) names.push(name)
    else {
      await bundles.removeIncoming(name)
      removed++
    }
  }
  for (let from = 0; from < names.length; from += 500) {
    const some = names.slice(from, from + 500)
    removed += await database.transaction(async query => {
      // Whoever is about to name one of them waits, and then sees that it is gone.
      await store.holdBundles(query)
      const named = await store.named(query, some)
      let gone = 0
      for (const name of some) {
        if (named.has(name)) continue
        await bundles.remove(name)
        gone++
      }
      return gone
    })
  }
  return removed
}
