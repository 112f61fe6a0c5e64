import type { Log } from '../log.ts'
import type { News, NewsEvent, Subscriber } from './contract.ts'

export { type Connection, connectNews, type NewsConnectionOptions } from './connect.ts'
export type * from './contract.ts'

type Listener = (event: NewsEvent) => void

/** News within this process; `connectNews` takes them to others and back. */
export function createNews({ log }: { log: Log }): News {
  const listeners = new Map<Listener, Subscriber>()
  return {
    publish(events) {
      for (const event of events) {
        for (const listener of listeners.keys()) {
          try {
            listener(event)
          } catch (error) {
            log.error('a listener of the news failed', { doctype: event.doctype, error })
          }
        }
      }
    },
    subscribe(listener, subscriber = {}) {
      // The same function may be given twice.
      const own: Listener = event => listener(event)
      listeners.set(own, subscriber)
      return () => void listeners.delete(own)
    },
    isWanted(tenantId, doctype) {
      for (const { wants } of listeners.values()) if (wants === undefined || wants(tenantId, doctype)) return true
      return false
    },
    lose(where) {
      for (const { missed } of [...listeners.values()]) {
        try {
          missed?.(where)
        } catch (error) {
          log.error('a listener of the news failed', { error })
        }
      }
    },
    async [Symbol.asyncDispose]() {
      listeners.clear()
    },
  }
}
