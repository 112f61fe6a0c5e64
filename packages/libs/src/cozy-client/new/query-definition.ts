/** What a `QueryDefinition` holds. */
export interface QueryParts {
  doctype: string
  id?: string
  ids?: string[]
  selector?: Record<string, unknown>
  partialFilter?: Record<string, unknown>
  fields?: string[]
  indexedFields?: string[]
  sort?: Record<string, 'asc' | 'desc'>[]
  includes?: string[]
  referenced?: { _type: string; _id: string }
  /** null: everything. */
  limit?: number | null
  skip?: number
  bookmark?: string
  cursor?: string
}

/**
 * A query, built step by step: `Q('io.cozy.bills').where({vendor: 'acme'}).indexFields(['vendor']).limitBy(10)`.
 * Immutable: each step returns another one.
 */
export class QueryDefinition {
  readonly parts: QueryParts

  constructor(parts: QueryParts) {
    this.parts = parts
  }

  get doctype(): string {
    return this.parts.doctype
  }

  #with(parts: Partial<QueryParts>): QueryDefinition {
    return new QueryDefinition({ ...this.parts, ...parts })
  }

  /** One document by its id. */
  getById(id: string): QueryDefinition {
    if (!id) throw new Error('getById called with undefined id')
    return this.#with({ id })
  }

  /** Some documents by their ids. */
  getByIds(ids: string[]): QueryDefinition {
    return this.#with({ ids })
  }

  /** A Mango selector. Its fields, and those of `sortBy`, are indexed unless `indexFields` says which. */
  where(selector: Record<string, unknown>): QueryDefinition {
    return this.#with({ selector })
  }

  /** Condition of a partial index: only documents that match it are in the index, so they alone are found. */
  partialIndex(partialFilter: Record<string, unknown>): QueryDefinition {
    return this.#with({ partialFilter })
  }

  /** Fields of the index, in its order. */
  indexFields(indexedFields: string[]): QueryDefinition {
    return this.#with({ indexedFields })
  }

  /** Fields of the documents to return; default all. */
  select(fields: string[]): QueryDefinition {
    return this.#with({ fields })
  }

  /** `[{date: 'desc'}]`. All in one direction. */
  sortBy(sort: Record<string, 'asc' | 'desc'>[]): QueryDefinition {
    if (!Array.isArray(sort)) {
      throw new Error(
        `Invalid sort, should be an array ([{ label: "desc"}, { name: "asc"}]), you passed ${JSON.stringify(sort)}.`,
      )
    }
    return this.#with({ sort })
  }

  /** At most this many documents; default 100. */
  limitBy(limit: number): QueryDefinition {
    return this.#with({ limit })
  }

  UNSAFE_noLimit(): QueryDefinition {
    return this.#with({ limit: null })
  }

  offset(skip: number): QueryDefinition {
    return this.#with({ skip })
  }

  offsetBookmark(bookmark: string): QueryDefinition {
    return this.#with({ bookmark })
  }

  offsetCursor(cursor: string): QueryDefinition {
    return this.#with({ cursor })
  }

  /** Names of relationships whose documents come with the answer, in `included`. */
  include(includes: string[]): QueryDefinition {
    if (!Array.isArray(includes)) throw new Error('include() takes an array of relationship names')
    return this.#with({ includes })
  }

  /** Files that carry a reference to this document. */
  referencedBy(document: { _type: string; _id: string }): QueryDefinition {
    return this.#with({ referenced: document })
  }

  toDefinition(): QueryParts {
    return { ...this.parts }
  }
}

/** Starts a query. */
export function Q(doctype: string): QueryDefinition {
  return new QueryDefinition({ doctype })
}
