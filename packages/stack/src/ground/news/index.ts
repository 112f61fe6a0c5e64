import type { Log } from '../log.ts'
import type { News, NewsEvent } from './contract.ts'

export type * from './contract.ts'

/** News within this process. */
export function createNews({ log }: { log: Log }): News {
  const listeners = new Set<(event: NewsEvent) => void>()
  return {
    publish(events) {
      for (const event of events) {
        for (const listener of listeners) {
          try {
            listener(event)
          } catch (error) {
            log.error('a listener of the news failed', { doctype: event.doctype, error })
          }
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async [Symbol.asyncDispose]() {
      listeners.clear()
    },
  }
}
