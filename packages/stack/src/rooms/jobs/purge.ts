import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import { JOBS } from './job.ts'
import { oldJobs } from './store.ts'

/** `protocol/jobs.md` §2. */
export const KEEP_MS = 14 * 86_400_000
const KEEP_OF_EACH = 50
/** Deleted in one transaction: tens of milliseconds, so that nobody of the instance waits for long. */
const CHUNK = 500

/**
 * Removes jobs that have ended and were queued before `before`, keeping the newest 50 of each worker and state.
 * @returns how many
 */
export async function purgeJobs(
  { documents, database }: Pick<Ground, 'documents' | 'database'>,
  tenant: Tenant,
  { before, workers }: { before: Date; workers?: string[] | undefined },
): Promise<number> {
  let deleted = 0
  for (;;) {
    const old = await oldJobs(database.query, tenant.id, { before, keep: KEEP_OF_EACH, workers, limit: CHUNK })
    if (old.length === 0) return deleted
    const results = await documents.of(tenant).write(
      JOBS,
      old.map(({ id, rev }) => ({ id, rev, body: {}, deleted: true })),
    )
    const gone = results.filter(({ ok }) => ok).length
    deleted += gone
    // Somebody else purges too: theirs is as good.
    if (gone === 0) return deleted
  }
}

const UNITS: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  D: 86_400_000,
  W: 7 * 86_400_000,
  M: 30 * 86_400_000,
  Y: 365 * 86_400_000,
}

/** Reads `2W`, `1M12h`. @returns milliseconds; undefined when it is no duration */
export function parseLongDuration(text: string): number | undefined {
  if (!/^(\d+[smhDWMY])+$/.test(text)) return undefined
  let total = 0
  for (const [, number, unit] of text.matchAll(/(\d+)([smhDWMY])/g)) total += Number(number) * UNITS[unit!]!
  return total <= 8.64e15 ? total : undefined
}
