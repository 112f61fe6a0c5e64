import type { BulkResult } from '@konnectory/client'
import type { Document } from '@konnectory/protocol'
import { type AnyDocument, dataPath } from './data-path.ts'
import { defineIndex, query } from './data-query.ts'
import {
  addReferencedFiles,
  fetchReferencedFiles,
  listReferencedFiles,
  removeReferencedFiles,
} from './data-references.ts'
import { exchangeJson } from './exchange.ts'
import { FetchError } from './fetch-error.ts'

/**
 * Stores a document; with an `_id`, under that id (409 when it exists). `_id` is removed from the argument.
 * @returns the stored document, with `_id` and `_rev`
 */
async function create(doctype: string, attributes: Document): Promise<AnyDocument> {
  const path = dataPath(doctype, attributes._id)
  const method = attributes._id ? 'PUT' : 'POST'
  delete attributes._id
  const answer = await exchangeJson<{ data: AnyDocument }>(method, path, { json: attributes })
  return answer.data
}

/** @throws {FetchError} 404 when there is none */
async function find(doctype: string, id: string): Promise<AnyDocument> {
  if (!id) throw new Error('Missing id parameter')
  return exchangeJson<AnyDocument>('GET', dataPath(doctype, id))
}

interface Row {
  key: string
  doc?: AnyDocument
  error?: unknown
}

/** @returns one member per id: `{doc}`, or `{error}` for an unknown one */
async function findMany(
  doctype: string,
  ids: string[],
): Promise<Record<string, { doc?: AnyDocument; error?: unknown }>> {
  if (!Array.isArray(ids)) throw new Error('Parameter ids must be a non-empty array')
  if (ids.length === 0) return {}
  let rows: Row[]
  try {
    const path = dataPath(doctype, '_all_docs', { include_docs: true })
    rows = (await exchangeJson<{ rows: Row[] }>('POST', path, { json: { keys: ids } })).rows
  } catch (error) {
    // No document of this doctype was ever stored.
    if (!FetchError.isNotFound(error)) throw error
    rows = ids.map(key => ({ key, error }))
  }
  return Object.fromEntries(
    rows.map(({ key, doc, error }) => [key, error || !doc ? { error: error ?? 'not_found' } : { doc }]),
  )
}

/** Every document of the doctype, without the indexes; `[]` when there is none yet. */
async function findAll(
  doctype: string,
  options: Record<string, unknown> = { include_docs: true },
): Promise<AnyDocument[]> {
  try {
    const path = dataPath(doctype, '_all_docs', options)
    const { rows } = await exchangeJson<{ rows: Row[] }>('POST', path, { json: {} })
    return rows.flatMap(({ doc }) => (doc && !doc._id.startsWith('_design/') ? [doc] : []))
  } catch (error) {
    if (FetchError.isNotFound(error)) return []
    throw error
  }
}

/**
 * Writes `changes` as the new content of a document: what is not in `changes` is removed.
 * @param doc any object with the document's `_id` and `_rev`
 * @returns the stored document
 */
async function update(doctype: string, doc: Document, changes: object): Promise<AnyDocument> {
  const { _id, _rev } = doc
  if (!_id) throw new Error('Missing _id field in passed document')
  if (!_rev) throw new Error('Missing _rev field in passed document')
  const answer = await exchangeJson<{ data: AnyDocument }>('PUT', dataPath(doctype, _id), {
    json: { _id, _rev, ...changes },
  })
  return answer.data
}

/** Reads, merges, writes; tried again 3 times at once on any error (`protocol/konnector-runtime.md`, last section). */
async function updateAttributes(doctype: string, id: string, changes: object, tries = 3): Promise<AnyDocument> {
  if (!id) throw new Error('Missing id parameter')
  for (let left = tries; ; left--) {
    try {
      const doc = await find(doctype, id)
      return await update(doctype, doc, { ...doc, ...changes })
    } catch (error) {
      if (left <= 0) throw error
    }
  }
}

export interface Deleted {
  ok: boolean
  id: string
  rev: string
  deleted: boolean
}

async function remove(doctype: string, doc: Document): Promise<Deleted> {
  if (!doc._id) throw new Error('Missing _id field in passed document')
  if (!doc._rev) throw new Error('Missing _rev field in passed document')
  return exchangeJson('DELETE', dataPath(doctype, doc._id, { rev: doc._rev }))
}

async function changesFeed(doctype: string, options: Record<string, unknown> = {}): Promise<unknown> {
  return exchangeJson('GET', dataPath(doctype, '_changes', options))
}

async function bulk(doctype: string, docs: Document[]): Promise<BulkResult[]> {
  return exchangeJson('POST', dataPath(doctype, '_bulk_docs'), { json: { docs } })
}

/** `cozyClient.data`. */
export const data = {
  create,
  find,
  findMany,
  findAll,
  update,
  updateAttributes,
  delete: remove,
  changesFeed,
  bulk,
  defineIndex,
  query,
  addReferencedFiles,
  removeReferencedFiles,
  listReferencedFiles,
  fetchReferencedFiles,
}
