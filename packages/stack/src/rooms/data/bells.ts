import type { News } from '#ground/news/contract'
import type { Tenant } from '#ground/tenant'

/** Rings when something of a doctype of a tenant changed. */
export interface Bell extends Disposable {
  /** Resolves at the next ring since the last `wait`, after `milliseconds`, or when the signal aborts. @returns which */
  wait(milliseconds: number, signal: AbortSignal): Promise<'rung' | 'time' | 'over'>
}

/** Bells of all who wait for changes: one listener of the news for all of them. */
export interface Bells extends Disposable {
  hang(tenant: Tenant, doctype: string): Bell
}

interface Hanging {
  rung: boolean
  wake: ((why: 'rung' | 'over') => void) | undefined
}

export function createBells(news: Pick<News, 'subscribe'>): Bells {
  const hanging = new Map<string, Set<Hanging>>()
  const keyOf = (tenant: Tenant, doctype: string) => `${tenant.id} ${doctype}`
  let over = false
  const ring = (bells: Iterable<Hanging>): void => {
    for (const bell of bells) {
      bell.rung = true
      bell.wake?.('rung')
    }
  }
  const end = news.subscribe(
    ({ tenant, doctype, seq }) => {
      if (seq === undefined || hanging.size === 0) return
      ring(hanging.get(keyOf(tenant, doctype)) ?? [])
    },
    {
      wants: (tenantId, doctype) => hanging.has(`${tenantId} ${doctype}`),
      missed() {
        for (const bells of hanging.values()) ring(bells)
      },
    },
  )

  return {
    hang(tenant, doctype) {
      const key = keyOf(tenant, doctype)
      const bell: Hanging = { rung: false, wake: undefined }
      const bells = hanging.get(key) ?? new Set()
      bells.add(bell)
      hanging.set(key, bells)
      return {
        wait: (milliseconds, signal) =>
          new Promise(resolve => {
            const done = (why: 'rung' | 'time' | 'over') => {
              clearTimeout(timer)
              signal.removeEventListener('abort', abort)
              bell.wake = undefined
              bell.rung = false
              resolve(why)
            }
            const abort = () => done('over')
            const timer = setTimeout(done, milliseconds, 'time')
            signal.addEventListener('abort', abort)
            bell.wake = done
            if (over || signal.aborted) done('over')
            else if (bell.rung) done('rung')
          }),
        [Symbol.dispose]() {
          bells.delete(bell)
          if (bells.size === 0 && hanging.get(key) === bells) hanging.delete(key)
        },
      }
    },
    [Symbol.dispose]() {
      over = true
      end()
      for (const bells of hanging.values()) for (const { wake } of bells) wake?.('over')
      hanging.clear()
    },
  }
}
