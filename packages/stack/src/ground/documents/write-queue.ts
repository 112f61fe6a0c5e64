import { DatabaseUnavailable } from '../database/index.ts'
import type { Tenant } from '../tenant.ts'
import type { Edit, EditResult } from './contract.ts'

/** Writes edits of one (instance, doctype) and commits. Its news are told when `told` resolves, at once when undefined. */
export type Commit = (
  tenant: Tenant,
  doctype: string,
  edits: Edit[],
) => Promise<{ result: EditResult[]; told: Promise<unknown> | undefined }>

export type Write = (tenant: Tenant, doctype: string, edits: Edit[]) => Promise<EditResult[]>

interface Waiting {
  edits: Edit[]
  resolve(results: EditResult[]): void
  reject(error: unknown): void
}

/** Edits in one commit at most: one statement of about a megabyte for ordinary documents. */
const MOST = 500

/**
 * Joins writes of one (instance, doctype) that arrive while another of them commits: they share the next commit. The feed's
 * row lets only one transaction at a time write anyway (2,140/s with 16 writers, storage.md §7); so the queue costs nothing,
 * and a crowd of writers pays for one flush to disk together.
 */
export function createWriteQueue(commit: Commit): Write {
  const queues = new Map<string, Waiting[]>()

  const drain = async (key: string, tenant: Tenant, doctype: string, queue: Waiting[]): Promise<void> => {
    while (queue.length > 0) {
      const batch = takeBatch(queue)
      try {
        const { result, told } = await commit(
          tenant,
          doctype,
          batch.flatMap(({ edits }) => edits),
        )
        // The next commit need not wait for the news of this one.
        if (told) void told.then(() => share(batch, result))
        else share(batch, result)
      } catch (error) {
        await apart(batch, error, edits => commit(tenant, doctype, edits))
      }
    }
    queues.delete(key)
  }

  return (tenant, doctype, edits) =>
    new Promise((resolve, reject) => {
      const key = `${tenant.id} ${doctype}`
      const queue = queues.get(key)
      const waiting = { edits, resolve, reject }
      if (queue) {
        queue.push(waiting)
        return
      }
      const fresh = [waiting]
      queues.set(key, fresh)
      void drain(key, tenant, doctype, fresh)
    })
}

function takeBatch(queue: Waiting[]): Waiting[] {
  let size = 0
  let count = 0
  for (const { edits } of queue) {
    if (count > 0 && size + edits.length > MOST) break
    size += edits.length
    count += 1
  }
  return queue.splice(0, count)
}

function share(batch: Waiting[], results: EditResult[]): void {
  let from = 0
  for (const { edits, resolve } of batch) {
    resolve(results.slice(from, from + edits.length))
    from += edits.length
  }
}

/** One writer's document must not fail another's: after an error each tries by itself. A lost database fails all alike. */
async function apart(batch: Waiting[], error: unknown, commit: (edits: Edit[]) => ReturnType<Commit>): Promise<void> {
  if (batch.length === 1 || error instanceof DatabaseUnavailable) {
    for (const { reject } of batch) reject(error)
    return
  }
  for (const { edits, resolve, reject } of batch) {
    await commit(edits).then(
      ({ result, told }) => (told ? void told.then(() => resolve(result)) : resolve(result)),
      reject,
    )
  }
}
