import type { Document, Reference, Stored } from '@konnectory/protocol'
import { isStatus } from './stack-error.ts'
import type { Transport } from './transport.ts'

/** A Mango query body (`protocol/data.md` section 5). */
export interface FindQuery {
  selector: Record<string, unknown>
  fields?: string[]
  sort?: (string | Record<string, 'asc' | 'desc'>)[]
  limit?: number
  skip?: number
  bookmark?: string
  use_index?: string | [string, string]
}

export interface FindAnswer<T> {
  docs: T[]
  next: boolean
  bookmark: string
  limit?: number
  warning?: string
}

export interface BulkResult {
  id: string
  ok?: true
  rev?: string
  error?: string
  reason?: string
}

/** The most documents one page of a query may hold (`data.md`: a greater limit is reset to 100). */
export const PAGE_LIMIT = 1000

/** Documents by doctype. Methods reject with a StackError. */
export interface DataClient {
  get<T extends Document = Document>(doctype: string, id: string): Promise<Stored<T>>
  /** Without `_id` the stack gives one. */
  create<T extends Document>(doctype: string, doc: T): Promise<Stored<T>>
  /** Whole-document write; needs `_id` and `_rev`. */
  update<T extends Document>(doctype: string, doc: T): Promise<Stored<T>>
  /** Reads, merges, writes; tried again when somebody else wrote in between, 4 times in all. */
  updateAttributes<T extends Document = Document>(doctype: string, id: string, attributes: object): Promise<Stored<T>>
  delete(doctype: string, doc: { _id: string; _rev: string }): Promise<void>
  /** One page. */
  find<T extends Document = Document>(doctype: string, query: FindQuery): Promise<FindAnswer<Stored<T>>>
  /** All pages of a query, 1,000 documents each; `[]` when the doctype has no document yet. */
  findAll<T extends Document = Document>(doctype: string, query: FindQuery): Promise<Stored<T>[]>
  /** Every document of the doctype in one request; `[]` when there is none yet. */
  all<T extends Document = Document>(doctype: string): Promise<Stored<T>[]>
  defineIndex(doctype: string, fields: string[], partialFilter?: object): Promise<{ id: string; name: string }>
  /** Creates (no `_id`), updates (`_rev`) and deletes (`_deleted`) in one request; one result per document, in order. */
  bulk(doctype: string, docs: Document[]): Promise<BulkResult[]>
  addReferences(doctype: string, id: string, references: Reference[]): Promise<void>
}

/** Path of a document; ids may hold slashes (`io.cozy.konnectors/acme`). */
export function documentPath(doctype: string, id = ''): string {
  return `/data/${encodeURIComponent(doctype)}/${encodeURIComponent(id)}`
}

export function createDataClient(transport: Transport): DataClient {
  const path = documentPath
  const write = async <T extends Document>(method: string, url: string, doc: object): Promise<Stored<T>> => {
    const answer = await transport.json<{ data: Stored<T> }>(method, url, { json: doc })
    return answer.data
  }
  const withoutType = ({ _type, ...doc }: Document): Document => doc

  const data: DataClient = {
    get: (doctype, id) => transport.json('GET', path(doctype, id)),
    create: (doctype, doc) => {
      const { _id, ...rest } = withoutType(doc)
      return _id ? write('PUT', path(doctype, _id), rest) : write('POST', path(doctype), rest)
    },
    update: (doctype, doc) => write('PUT', path(doctype, doc._id), withoutType(doc)),
    async updateAttributes(doctype, id, attributes) {
      for (let attempt = 1; ; attempt++) {
        const current = await data.get(doctype, id)
        try {
          return await write('PUT', path(doctype, id), withoutType({ ...current, ...attributes }))
        } catch (error) {
          if (attempt === 4 || !isStatus(error, 409)) throw error
        }
      }
    },
    async delete(doctype, doc) {
      await transport.exchange('DELETE', path(doctype, doc._id), { query: { rev: doc._rev } })
    },
    find: (doctype, query) => transport.json('POST', path(doctype, '_find'), { json: query }),
    async findAll<T extends Document>(doctype: string, query: FindQuery) {
      const docs: Stored<T>[] = []
      let bookmark: string | undefined
      try {
        for (;;) {
          const page = await data.find<T>(doctype, { limit: PAGE_LIMIT, ...query, ...(bookmark ? { bookmark } : {}) })
          docs.push(...page.docs)
          if (!page.next || page.docs.length === 0) return docs
          bookmark = page.bookmark
        }
      } catch (error) {
        if (isStatus(error, 404)) return docs
        throw error
      }
    },
    async all<T extends Document>(doctype: string) {
      try {
        const answer = await transport.json<{ rows: { id: string; doc: Stored<T> }[] }>(
          'POST',
          path(doctype, '_all_docs'),
          {
            query: { include_docs: true },
            json: {},
          },
        )
        return answer.rows.filter(row => !row.id.startsWith('_design/')).map(row => row.doc)
      } catch (error) {
        if (isStatus(error, 404)) return []
        throw error
      }
    },
    defineIndex: (doctype, fields, partialFilter) =>
      transport.json('POST', path(doctype, '_index'), {
        json: { index: { fields, ...(partialFilter ? { partial_filter_selector: partialFilter } : {}) } },
      }),
    bulk: (doctype, docs) =>
      transport.json('POST', path(doctype, '_bulk_docs'), { json: { docs: docs.map(withoutType) } }),
    async addReferences(doctype, id, references) {
      await transport.exchange('POST', `${path(doctype, id)}/relationships/references`, { json: { data: references } })
    },
  }
  return data
}
