import type { BulkResult } from '@konnectory/client'
import type { Document } from '@konnectory/protocol'
import { type AnyDocument, dataPath } from '../data-path.ts'
import { exchangeJson } from '../exchange.ts'
import { FetchError } from '../fetch-error.ts'
import { asksForIndex, findBody, indexBody } from './mango.ts'
import type { QueryParts } from './query-definition.ts'

/** A document as this client hands it out: `id` beside `_id`, and its doctype. */
export type ClientDocument = AnyDocument & { id: string; _type: string }

/** A page of documents. */
export interface Page<T = ClientDocument> {
  data: T[]
  /** true when there may be more. */
  next: boolean
  skip: number
  bookmark?: string
  meta?: { count?: number }
  included?: unknown[]
}

export type FindOptions = Omit<QueryParts, 'doctype' | 'selector'>

interface FindAnswer {
  docs: AnyDocument[]
  next: boolean
  bookmark?: string
  warning?: string
}

/** What the stack gives on a page when not told otherwise. */
export const DEFAULT_LIMIT = 100

/** The most the stack gives on a page (`protocol/data.md` section 5). */
export const GREATEST_LIMIT = 1000

/** `client.collection(doctype)`: documents of one doctype. Failures are FetchErrors. */
export class DocumentCollection {
  readonly doctype: string

  constructor(doctype: string) {
    this.doctype = doctype
  }

  normalize(doc: Record<string, unknown>): ClientDocument {
    const id = (doc._id ?? doc.id) as string
    return { ...doc, id, _id: id, _type: this.doctype } as ClientDocument
  }

  /** `data` is null when there is none. */
  async get(id: string): Promise<{ data: ClientDocument | null }> {
    const doc = await this.#orEmpty<AnyDocument | null>(exchangeJson('GET', dataPath(this.doctype, id)), null)
    return { data: doc && this.normalize(doc) }
  }

  /** Those of `ids` that exist. */
  async getAll(ids: string[]): Promise<Page> {
    const json = { keys: ids }
    const answer = await this.#orEmpty(
      exchangeJson<{ rows: { doc?: AnyDocument }[] }>(
        'POST',
        dataPath(this.doctype, '_all_docs', { include_docs: true }),
        {
          json,
        },
      ),
      { rows: [] },
    )
    const data = answer.rows.flatMap(({ doc }) => (doc ? [this.normalize(doc)] : []))
    return { data, meta: { count: data.length }, next: false, skip: 0 }
  }

  /** One page of all documents. */
  async all({ limit = DEFAULT_LIMIT, skip = 0, bookmark = '' }: FindOptions = {}): Promise<Page> {
    const size = limit ?? GREATEST_LIMIT
    const path = dataPath(this.doctype, '_normal_docs', { include_docs: true, limit: size, skip, bookmark })
    type Answer = { rows: AnyDocument[]; total_rows: number; bookmark?: string }
    const answer = await this.#orEmpty<Answer>(exchangeJson('GET', path), { rows: [], total_rows: 0 })
    const data = answer.rows.map(doc => this.normalize(doc))
    return {
      data,
      meta: { count: answer.total_rows },
      skip,
      next: data.length >= size && skip + data.length < answer.total_rows,
      ...(answer.bookmark ? { bookmark: answer.bookmark } : {}),
    }
  }

  /** One page of a Mango query. The index it needs is created when the stack asks for it. */
  async find(selector: Record<string, unknown> | undefined, options: FindOptions = {}): Promise<Page> {
    const parts: QueryParts = { ...options, doctype: this.doctype, ...(selector ? { selector } : {}) }
    const body = { ...findBody(parts), ...paging(options) }
    const path = dataPath(this.doctype, '_find')
    const answer = await this.withIndex(parts, () => exchangeJson<FindAnswer>('POST', path, { json: body }), {
      docs: [],
      next: false,
    })
    return {
      data: answer.docs.map(doc => this.normalize(doc)),
      next: answer.next,
      skip: options.skip ?? 0,
      ...(answer.bookmark ? { bookmark: answer.bookmark } : {}),
    }
  }

  /** Every page of a Mango query; without selector every document. */
  async queryAll(selector: Record<string, unknown> | undefined, options: FindOptions = {}): Promise<ClientDocument[]> {
    const { limit: _limit, ...others } = options
    const found: ClientDocument[] = []
    let page: Page | undefined
    do {
      const at = { ...others, limit: GREATEST_LIMIT, ...nextPage(page, found.length) }
      page = selector || options.indexedFields ? await this.find(selector, at) : await this.all(at)
      found.push(...page.data)
    } while (page.next && page.data.length > 0)
    return found
  }

  /** The documents of every page of a Mango query. */
  findAll(selector: Record<string, unknown>, options: FindOptions = {}): Promise<ClientDocument[]> {
    return this.queryAll(selector, options)
  }

  /** Stores a document; under its `_id` when it has one. */
  async create(doc: Document): Promise<{ data: ClientDocument }> {
    const { _id, _type, id: _, ...content } = doc
    const [method, path] = _id ? ['PUT', dataPath(this.doctype, _id)] : ['POST', dataPath(this.doctype)]
    const answer = await exchangeJson<{ data: AnyDocument }>(method as string, path as string, { json: content })
    return { data: this.normalize(answer.data) }
  }

  /** Replaces a document (`_id` and `_rev` needed). @throws {FetchError} 409 when it has changed since */
  async update(doc: Document): Promise<{ data: ClientDocument }> {
    const { _type, id: _, ...content } = doc
    const answer = await exchangeJson<{ data: AnyDocument }>('PUT', dataPath(this.doctype, doc._id), { json: content })
    return { data: this.normalize(answer.data) }
  }

  async destroy(doc: Document): Promise<{ data: ClientDocument }> {
    const path = dataPath(this.doctype, doc._id, { rev: doc._rev })
    const answer = await exchangeJson<{ rev: string }>('DELETE', path)
    return { data: this.normalize({ ...doc, _rev: answer.rev, _deleted: true }) }
  }

  /** Creates and updates in one request. @returns one result per document, in order; some may have failed */
  async updateAll(docs: Document[]): Promise<BulkResult[]> {
    if (docs.length === 0) return []
    const clean = docs.map(({ _type, id: _, ...doc }) => doc)
    return exchangeJson('POST', dataPath(this.doctype, '_bulk_docs'), { json: { docs: clean } })
  }

  destroyAll(docs: Document[]): Promise<BulkResult[]> {
    return this.updateAll(docs.map(({ _id, _rev }) => ({ _id, _rev, _deleted: true }) as Document))
  }

  /** @returns `{id, name, fields, doctype}` of the index */
  async createIndex(
    fields: string[],
    { partialFilter, indexName }: { partialFilter?: Record<string, unknown>; indexName?: string } = {},
  ): Promise<{ id: string; name: string; fields: string[]; doctype: string; type: 'mango' }> {
    const body = indexBody({
      doctype: this.doctype,
      indexedFields: fields,
      ...(partialFilter ? { partialFilter } : {}),
    })
    const named = indexName ? { ...body, ddoc: indexName } : body
    const answer = await exchangeJson<{ id: string }>('POST', dataPath(this.doctype, '_index'), { json: named })
    return { id: answer.id, type: 'mango', name: answer.id, fields, doctype: this.doctype }
  }

  /** Runs a query; when the stack says that it has no index for it, creates the index and runs it again. */
  protected async withIndex<T extends { warning?: string }>(
    parts: QueryParts,
    run: () => Promise<T>,
    empty: T,
  ): Promise<T> {
    try {
      const answer = await run()
      if (!asksForIndex(answer.warning ?? '')) return answer
    } catch (error) {
      if (FetchError.isNotFound(error)) return empty
      if (!(error instanceof FetchError) || !asksForIndex(error.message)) throw error
    }
    const body = indexBody(parts)
    if (body) await exchangeJson('POST', dataPath(this.doctype, '_index'), { json: body })
    return run()
  }

  /** The stack says 404 when no document of the doctype was ever stored. */
  async #orEmpty<T>(answer: Promise<T>, empty: T): Promise<T> {
    try {
      return await answer
    } catch (error) {
      if (FetchError.isNotFound(error)) return empty
      throw error
    }
  }
}

/** Members of a `_find` body for this page. */
export function paging({ limit, skip, bookmark }: FindOptions): Record<string, unknown> {
  return {
    limit: limit === null ? GREATEST_LIMIT : (limit ?? DEFAULT_LIMIT),
    ...(bookmark ? { bookmark } : { skip: skip ?? 0 }),
  }
}

/** Where the page after `page` begins. */
export function nextPage(page: Page<unknown> | undefined, seen: number): { bookmark?: string; skip?: number } {
  if (!page) return {}
  return page.bookmark ? { bookmark: page.bookmark } : { skip: seen }
}
