import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import { JOBS, type Jobs } from '#rooms/jobs'
import type { CleaningRuns } from './uninstall.ts'

/** `protocol/konnectors-api.md` §6. */
const LONGEST_MS = 600_000
/** News may get lost with the connection that brings them: now and then the job itself is looked at. */
const LOOK_MS = 5_000

/** Runs the scripts for deleted accounts as jobs, and waits for them. */
export function createCleaningRuns(
  { news }: Pick<Ground, 'news'>,
  jobs: Pick<Jobs, 'push' | 'find'>,
  longestMs = LONGEST_MS,
): CleaningRuns {
  const outcomeOf = async (tenant: Tenant, id: string): Promise<'open' | 'done' | { error: string }> => {
    const job = await jobs.find(tenant, id)
    if (!job) return { error: 'its job is gone' }
    const { state, error } = job.body
    if (state === 'done') return 'done'
    return state === 'errored' ? { error: typeof error === 'string' ? error : 'it failed' } : 'open'
  }

  return {
    async clean(tenant, message, signal) {
      let wake = Promise.withResolvers<void>()
      let id: string | undefined
      const end = news.subscribe(
        event => {
          if (event.doctype !== JOBS || event.tenant.id !== tenant.id) return
          if (id === undefined || event.id === id) wake.resolve()
        },
        { wants: (tenantId, doctype) => tenantId === tenant.id && doctype === JOBS, missed: () => wake.resolve() },
      )
      const stop = AbortSignal.any([signal, AbortSignal.timeout(longestMs)])
      const woken = () => wake.resolve()
      stop.addEventListener('abort', woken)
      try {
        const pushed = await jobs.push(tenant, { worker: 'konnector', message, manual: true, unlimited: true })
        id = pushed.id
        for (;;) {
          const outcome = await outcomeOf(tenant, id)
          if (outcome === 'done') return
          if (outcome !== 'open') throw new Error(`the cleaning run of an account failed: ${outcome.error}`)
          if (stop.aborted) throw new Error('the cleaning run of an account did not end in time')
          const timer = setTimeout(woken, LOOK_MS)
          await wake.promise
          clearTimeout(timer)
          wake = Promise.withResolvers()
        }
      } finally {
        stop.removeEventListener('abort', woken)
        end()
      }
    },
  }
}
