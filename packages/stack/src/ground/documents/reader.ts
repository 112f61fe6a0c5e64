import type { Tenant } from '../tenant.ts'
import type { DocumentReader } from './contract.ts'
import { listChanges, listDocuments, readDocuments } from './document-sql.ts'
import { readDoctypes, readFeed } from './feed-sql.ts'
import type { RunSql } from './sql.ts'

/** Reads one tenant's documents with the statements of `run`. */
export function createReader(run: RunSql, tenant: Tenant): DocumentReader {
  const getMany: DocumentReader['getMany'] = async (doctype, ids) => {
    if (ids.length === 0) return []
    const found = await readDocuments(run, tenant.id, doctype, [...new Set(ids)])
    return ids.map(id => found.get(id))
  }
  return {
    get: async (doctype, id) => (await getMany(doctype, [id]))[0],
    getMany,
    list: (doctype, options = {}) => listDocuments(run, tenant.id, doctype, options),
    changes: (doctype, options) => listChanges(run, tenant.id, doctype, options),
    feed: doctype => readFeed(run, tenant.id, doctype),
    doctypes: () => readDoctypes(run, tenant.id),
  }
}
