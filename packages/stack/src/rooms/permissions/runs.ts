import { randomBytes } from 'node:crypto'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import { deleteRun, deleteRunsBefore, findRun, insertRun, type LiveRun } from './run-store.ts'

/** Name under which ended runs are told in the news. No doctype can be called so, and no rule can name it. */
export const RUN_NEWS = 'konnectory.konnector-runs'

/** As long as a konnector token lives (`protocol/auth.md` §1); a row that is older is of a run whose server was killed. */
export const RUN_LIFE_MS = 30 * 60_000

/**
 * Runs of konnectors, as far as their tokens are concerned: a token that names a run is good while the run lives. Upstream's
 * lasts its 30 minutes whatever happens (`protocol/auth.md` §1), also after the job was cancelled.
 */
export interface Runs {
  /**
   * Begins a run: one attempt of one job. Its token is to be minted with `run` and `account`.
   * @returns the run's name, which nobody guesses and which is never used again
   */
  begin(tenant: Tenant, run: { slug: string; accountId?: string | undefined }): Promise<string>
  /** Ends it: its token is void when this resolves. Safe to call again. */
  end(tenant: Tenant, run: string): Promise<void>
  find(tenant: Tenant, run: string): Promise<LiveRun | undefined>
  /** Takes away what killed servers left, of all instances. @returns how many there were */
  sweep(): Promise<number>
}

export function createRuns({ database, clock, news }: Pick<Ground, 'database' | 'clock' | 'news'>): Runs {
  return {
    async begin(tenant, { slug, accountId }) {
      const run = randomBytes(16).toString('hex')
      const expiresAt = new Date(clock.now().getTime() + RUN_LIFE_MS)
      await insertRun(database.query, tenant, run, { slug, accountId, expiresAt })
      return run
    },
    async end(tenant, run) {
      if (!(await deleteRun(database.query, tenant, run))) return
      news.publish([{ tenant, verb: 'NOTIFIED', doctype: RUN_NEWS, id: run, doc: {} }])
    },
    async find(tenant, run) {
      const live = await findRun(database.query, tenant, run)
      return live && live.expiresAt > clock.now() ? live : undefined
    },
    sweep: () => deleteRunsBefore(database.query, clock.now()),
  }
}
