import { type AnyDocument, dataPath, qualified } from './data-path.ts'
import { exchangeJson } from './exchange.ts'

/** What `defineIndex` returns and `query` takes. */
export interface IndexReference {
  doctype: string
  type: 'mango'
  name: string
  fields: string[]
}

export interface QueryOptions {
  selector?: object
  fields?: string[]
  limit?: number
  skip?: number
  sort?: unknown[]
  since?: unknown
  /** Order of the index, from its end. */
  descending?: boolean
  /** true: `{docs, next, limit, bookmark}` instead of the documents alone. */
  wholeResponse?: boolean
}

export interface WholeResponse {
  docs: AnyDocument[]
  next: boolean
  limit?: number
  bookmark?: string
}

/** @param fields names, in the order of the index @returns a reference for `query` */
export async function defineIndex(doctype: string, fields: string[]): Promise<IndexReference> {
  const type = qualified(doctype)
  if (!Array.isArray(fields) || fields.length === 0) throw new Error('defineIndex fields should be a non-empty array')
  const answer = await exchangeJson<{ id: string }>('POST', dataPath(type, '_index'), { json: { index: { fields } } })
  // Upstream then waited until CouchDB had built the index; the stack answers only when it can be used.
  return { doctype: type, type: 'mango', name: answer.id, fields }
}

export function query(index: IndexReference, options: QueryOptions & { wholeResponse: true }): Promise<WholeResponse>
export function query(index: IndexReference, options: QueryOptions): Promise<AnyDocument[]>
/** One page (100 documents unless `limit` says otherwise) of what an index holds. @throws {FetchError} */
export async function query(index: IndexReference, options: QueryOptions): Promise<AnyDocument[] | WholeResponse> {
  if (!index) throw new Error('query should be passed the indexRef')
  if (index.type !== 'mango') throw new Error('indexRef should be the return value of defineIndexV3')
  const { fields, selector, limit, skip, since, descending } = options
  const sort = descending ? index.fields.map(field => ({ [field]: 'desc' })) : options.sort
  const json = { use_index: index.name, fields, selector, limit, skip, since, sort }
  const answer = await exchangeJson<WholeResponse>('POST', dataPath(index.doctype, '_find'), { json })
  return options.wholeResponse ? answer : answer.docs
}
