/** Runs tasks in turn when they share a key, freely otherwise. */
export interface KeyedQueue {
  /** Starts `task` once all earlier tasks with one of these keys have ended, well or not. */
  run<T>(keys: string[], task: () => Promise<T>): Promise<T>
}

export function createKeyedQueue(): KeyedQueue {
  const last = new Map<string, Promise<unknown>>()
  return {
    run(keys, task) {
      const before = keys.map(key => last.get(key))
      // Waiting only for earlier tasks: no cycle, so no deadlock.
      const result = Promise.allSettled(before).then(task)
      for (const key of keys) last.set(key, result)
      return result
    },
  }
}

/**
 * Calls `task` for each item, at most `limit` at a time, in the order of the items.
 * The first rejection stops the start of new ones; those under way are waited for, then it is thrown.
 */
export async function forEachLimited<T>(
  items: readonly T[],
  limit: number,
  task: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  let failed = false
  async function work() {
    while (next < items.length && !failed) {
      const index = next++
      try {
        await task(items[index] as T, index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const workers = Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, work)
  const results = await Promise.allSettled(workers)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
