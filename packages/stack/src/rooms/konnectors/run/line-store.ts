import { escapeText } from '#ground/documents/index'
import { onPool, type RunSql } from '#ground/documents/sql'
import type { Ground } from '#ground/ground'

/** A line of a run's log. */
export interface RunLine {
  number: number
  /** RFC 3339. */
  at: string
  level: 'debug' | 'info' | 'warning' | 'error' | 'critical' | 'text' | 'remark'
  label?: string | undefined
  message: string
}

/** The log of runs, by job. */
export function createLineStore({ database }: Pick<Ground, 'database'>) {
  const run: RunSql = onPool(database.driver)
  return {
    async append(instanceId: string, jobId: string, lines: RunLine[]): Promise<void> {
      if (lines.length === 0) return
      await run(
        `insert into run_lines (instance_id, job_id, number, at, level, label, message)
         select $1, $2, u.* from unnest($3::integer[], $4::timestamptz[], $5::text[], $6::text[], $7::text[]) as u
         on conflict do nothing`,
        [
          instanceId,
          jobId,
          lines.map(({ number }) => number),
          lines.map(({ at }) => at),
          lines.map(({ level }) => level),
          lines.map(({ label }) => (label === undefined ? null : escapeText(label))),
          // The database's text holds no NUL, which vendors' pages do.
          lines.map(({ message }) => escapeText(message)),
        ],
      )
    },

    /** Lines after a number, oldest first. */
    async read(instanceId: string, jobId: string, { after = 0, limit = 1000 } = {}): Promise<RunLine[]> {
      const rows = await run<Omit<RunLine, 'at'> & { at: Date; label: string | null }>(
        `select number, at, level, label, message from run_lines
          where instance_id = $1 and job_id = $2 and number > $3 order by number limit $4`,
        [instanceId, jobId, after, limit],
      )
      return rows.map(({ at, label, ...row }) => ({ ...row, at: at.toISOString(), ...(label !== null && { label }) }))
    },

    /** The number of the last line: another attempt goes on from it. */
    async last(instanceId: string, jobId: string): Promise<number> {
      const rows = await run<{ last: number | null }>(
        'select max(number) as last from run_lines where instance_id = $1 and job_id = $2',
        [instanceId, jobId],
      )
      return rows[0]?.last ?? 0
    },

    /** @returns how many were removed */
    async removeBefore(time: Date): Promise<number> {
      const rows = await run<{ count: string }>(
        'with gone as (delete from run_lines where at < $1 returning 1) select count(*) from gone',
        [time],
      )
      return Number(rows[0]?.count ?? 0)
    },
  }
}

export type LineStore = ReturnType<typeof createLineStore>
