import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Runs works of one key one after the other, works of different keys side by side. A work that asks for its own key again
 * would wait for itself for ever; it is told so at once.
 */
export function createTurns(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  const inside = new AsyncLocalStorage<string>()

  return async (key, work) => {
    if (inside.getStore() === key)
      throw new Error('a transaction inside a transaction of the same instance: use the writer it was given')
    const before = last.get(key)
    const turn = (before ?? Promise.resolve()).then(() => inside.run(key, work))
    const settled = turn.catch(() => {})
    last.set(key, settled)
    try {
      return await turn
    } finally {
      if (last.get(key) === settled) last.delete(key)
    }
  }
}
