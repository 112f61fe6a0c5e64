import type { StoredDocument } from './contract.ts'

type Load = (tenantId: string, doctype: string, ids: string[]) => Promise<Map<string, StoredDocument>>

interface Waiting {
  tenantId: string
  doctype: string
  ids: Set<string>
  found: Promise<Map<string, StoredDocument>>
}

/**
 * Joins reads of single documents that are asked for in the same turn of the event loop into one statement for each
 * (instance, doctype). Thirty-two clients at once then cost the database about what one costs.
 */
export function createReadBatch(
  load: Load,
): (tenantId: string, doctype: string, id: string) => Promise<StoredDocument | undefined> {
  const open = new Map<string, Waiting>()

  const start = (key: string, tenantId: string, doctype: string): Waiting => {
    const ids = new Set<string>()
    const found = new Promise<Map<string, StoredDocument>>((resolve, reject) => {
      setImmediate(() => {
        open.delete(key)
        load(tenantId, doctype, [...ids]).then(resolve, reject)
      })
    })
    const waiting = { tenantId, doctype, ids, found }
    open.set(key, waiting)
    return waiting
  }

  return async (tenantId, doctype, id) => {
    const key = `${tenantId} ${doctype}`
    const waiting = open.get(key) ?? start(key, tenantId, doctype)
    waiting.ids.add(id)
    return (await waiting.found).get(id)
  }
}
