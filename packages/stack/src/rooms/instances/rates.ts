import type pg from 'pg'
import type { Ground } from '#ground/ground'

/** What must not happen too often (`protocol/conventions.md` §7). A window starts at its first event. */
export interface Rate {
  /** Name of the counter, `auth`. */
  name: string
  /** How many may happen in a window. */
  limit: number
  windowMs: number
}

export interface Hit {
  /** Within the window, this one included. */
  count: number
  exceeded: boolean
  /** Seconds until the window ends, at least 1. */
  retryAfter: number
}

/** Where statements are run. */
export interface Counting {
  query<R extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Pick<pg.QueryResult<R>, 'rows'>>
}

/** Counters of events of instances, in the database: all processes count together. */
export function createRates({ database: { driver }, clock }: Pick<Ground, 'database' | 'clock'>) {
  return {
    /**
     * Counts one event, and says whether it was one too many. Counting comes before what is counted: many at the same moment
     * are then no way around a limit.
     * @param key who, within the instance; empty for all of it
     * @param on the connection of a transaction: the event counts if that commits, and nobody waits for another connection
     */
    async hit(instanceId: string, { name, limit, windowMs }: Rate, key = '', on: Counting = driver): Promise<Hit> {
      const now = clock.now()
      const { rows } = await on.query<{ count: number; ends_at: Date; fresh: boolean }>(
        `insert into rate_counters as c (instance_id, name, key, count, ends_at) values ($1, $2, $3, 1, $4)
         on conflict (instance_id, name, key) do update set
           count = case when c.ends_at <= $5 then 1 else c.count + 1 end,
           ends_at = case when c.ends_at <= $5 then excluded.ends_at else c.ends_at end
         returning count, ends_at, xmax = 0 as fresh`,
        [instanceId, name, key, new Date(now.getTime() + windowMs), now],
      )
      const { count, ends_at: endsAt, fresh } = rows[0]!
      // Who makes a row takes a few dead ones away: the table does not grow with the addresses of years.
      if (fresh) {
        await on.query(
          `delete from rate_counters where ctid in
             (select ctid from rate_counters where ends_at <= $1 limit 20 for update skip locked)`,
          [now],
        )
      }
      const retryAfter = Math.max(1, Math.ceil((endsAt.getTime() - now.getTime()) / 1000))
      return { count, exceeded: count > limit, retryAfter }
    },

    /** Takes one event back: it was not of the kind that is counted. */
    async takeBack(instanceId: string, { name }: Rate, key = ''): Promise<void> {
      await driver.query(
        'update rate_counters set count = count - 1 where instance_id = $1 and name = $2 and key = $3 and count > 0',
        [instanceId, name, key],
      )
    },

    /** Forgets all events. */
    async clear(instanceId: string, { name }: Rate, key = ''): Promise<void> {
      await driver.query('delete from rate_counters where instance_id = $1 and name = $2 and key = $3', [
        instanceId,
        name,
        key,
      ])
    },
  }
}

export type Rates = ReturnType<typeof createRates>

/** Whose attempts count together: an IPv4 address, or the /64 that one IPv6 subscriber has. */
export function throttleKey(address: string): string {
  const v4 = /^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1]
  if (v4) return v4
  if (!address.includes(':')) return address.slice(0, 64)
  const [left = '', right] = address.split('%', 1)[0]!.toLowerCase().split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  const groups =
    right === undefined ? head : [...head, ...Array(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail]
  return `${groups
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}
